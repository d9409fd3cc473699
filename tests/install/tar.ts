const BLOCK_BYTES = 512;

/** The regular files in an archive as `deno publish`, npm and Bun pack them, by path. */
export function readTar(archive: Uint8Array): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  let offset = 0;
  while (offset + BLOCK_BYTES <= archive.length) {
    const field = (at: number, length: number) =>
      new TextDecoder().decode(archive.subarray(offset + at, offset + at + length))
        .replace(/\0.*$/s, "");
    const name = field(0, 100);
    if (name === "") break; // Blocks of zeros end the archive.
    const size = parseInt(field(124, 12), 8);
    const type = field(156, 1);
    const prefix = field(257, 5) === "ustar" ? field(345, 155) : "";
    const start = offset + BLOCK_BYTES;
    if (type === "" || type === "0") {
      files.set(prefix === "" ? name : `${prefix}/${name}`, archive.slice(start, start + size));
    } else if (type !== "5") {
      throw new Error(`Cannot read archive: ${name} is of the unknown type ${type}`);
    }
    offset = start + Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
  }
  return files;
}
