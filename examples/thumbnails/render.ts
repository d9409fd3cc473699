import { PhotonImage, resize, SamplingFilter } from "@silvia-odwyer/photon-node";

/** Renders a JPEG or PNG as a JPEG that is `width` pixels wide. */
export function renderThumbnail(picture: Uint8Array, width: number): Uint8Array {
  // Photon's images live in WebAssembly memory, which no garbage collector frees.
  const image = PhotonImage.new_from_byteslice(picture);
  try {
    const height = Math.max(1, Math.round(image.get_height() * width / image.get_width()));
    const small = resize(image, width, height, SamplingFilter.Triangle);
    try {
      return small.get_bytes_jpeg(80);
    } finally {
      small.free();
    }
  } finally {
    image.free();
  }
}

/** Returns the average color of a picture, as `#rrggbb`. */
export function averageColor(picture: Uint8Array): string {
  const image = PhotonImage.new_from_byteslice(picture);
  try {
    const pixels = image.get_raw_pixels();
    const mean = (channel: number) => {
      let sum = 0;
      for (let at = channel; at < pixels.length; at += 4) sum += pixels[at] ?? 0;
      return Math.round(4 * sum / pixels.length);
    };
    return "#" + [0, 1, 2].map((channel) => mean(channel).toString(16).padStart(2, "0")).join("");
  } finally {
    image.free();
  }
}
