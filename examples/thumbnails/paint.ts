import { access, mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { PhotonImage } from "@silvia-odwyer/photon-node";

/** Returns red, green and blue, from 0 to 1, at a point whose x and y go from -1 to 1. */
type Painter = (x: number, y: number) => [red: number, green: number, blue: number];

const WIDTH = 320;
const HEIGHT = 240;

/** Each of these paints a different picture for every number. */
const PAINTERS: Record<string, (number: number) => Painter> = {
  julia(number) {
    const angle = number * 0.61803;
    const re = 0.7885 * Math.cos(angle);
    const im = 0.7885 * Math.sin(angle);
    return (x, y) => {
      let [a, b, steps] = [1.5 * x, 1.5 * y, 0];
      while (a * a + b * b < 4 && steps < 40) {
        [a, b, steps] = [a * a - b * b + re, 2 * a * b + im, steps + 1];
      }
      const light = steps / 40;
      return [light, light * light, Math.sqrt(light)];
    };
  },
  waves(number) {
    const sources = [0, 1, 2].map((n) =>
      [Math.cos(number + 2 * n), Math.sin(3 * number + n)] as const
    );
    return (x, y) => {
      const [red, green, blue] = sources.map(([a, b]) =>
        Math.sin(20 * Math.hypot(x - a, y - b)) / 2 + 0.5
      );
      return [red ?? 0, green ?? 0, blue ?? 0];
    };
  },
  gradients(number) {
    const turn = number * 2.39996;
    return (x, y) => {
      const along = x * Math.cos(turn) + y * Math.sin(turn);
      return [(along + 1.5) / 3, (1.5 - along) / 3, (number % 16) / 16];
    };
  },
  plots(number) {
    const [a, b] = [1 + number % 7, 1 + number % 5];
    return (x, y) => {
      const isAxis = Math.abs(x) < 0.005 || Math.abs(y) < 0.005;
      const distance = Math.abs(y - 0.6 * Math.sin(a * 3 * x + number) * Math.cos(b * x));
      const ink = isAxis ? 0.3 : Math.min(1, distance * 12);
      return [ink, ink, 1];
    };
  },
};

/**
 * Paints pictures into a folder, the same ones every time, and returns their paths within it. Existing
 * files are kept.
 */
export async function paintPictures(folder: string, ofEachKind: number): Promise<string[]> {
  const paths: string[] = [];
  for (const [kind, painter] of Object.entries(PAINTERS)) {
    await mkdir(join(folder, kind), { recursive: true });
    for (let number = 0; number < ofEachKind; number++) {
      const type = number % 3 === 0 ? "png" : "jpg";
      const path = `${kind}/${String(number).padStart(3, "0")}.${type}`;
      paths.push(path);
      const file = join(folder, path);
      if (await access(file).then(() => true, () => false)) continue;
      // Renaming is atomic: no reader sees half a picture, even if two processes paint at once.
      await writeFile(`${file}.${process.pid}`, paint(painter(number), type));
      await rename(`${file}.${process.pid}`, file);
    }
  }
  return paths;
}

function paint(painter: Painter, type: "jpg" | "png"): Uint8Array {
  const pixels = new Uint8ClampedArray(4 * WIDTH * HEIGHT);
  for (let row = 0, at = 0; row < HEIGHT; row++) {
    for (let column = 0; column < WIDTH; column++) {
      const [red, green, blue] = painter(2 * column / WIDTH - 1, 2 * row / HEIGHT - 1);
      pixels[at++] = 255 * red;
      pixels[at++] = 255 * green;
      pixels[at++] = 255 * blue;
      pixels[at++] = 255;
    }
  }
  const image = new PhotonImage(new Uint8Array(pixels.buffer), WIDTH, HEIGHT);
  const bytes = type === "png" ? image.get_bytes() : image.get_bytes_jpeg(85);
  image.free();
  return bytes;
}
