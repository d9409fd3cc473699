/** Takes a stream of messages behind their lengths apart, however it was cut into chunks. */
export class FrameDecoder {
  #chunks: Uint8Array<ArrayBuffer>[] = [];
  #byteLength = 0;
  /** Until this many bytes are there no frame can be complete: a large one is put together once. */
  #wanted = 1;

  /**
   * The messages that `chunk` completes. They are views, of it where it holds them whole.
   *
   * @throws {RangeError} If a length takes more than 53 bits.
   */
  push(chunk: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
    this.#chunks.push(chunk);
    this.#byteLength += chunk.byteLength;
    if (this.#byteLength < this.#wanted) return [];
    const bytes = concat(this.#chunks, this.#byteLength);
    const messages: Uint8Array<ArrayBuffer>[] = [];
    let start = 0;
    let frame = frameAt(bytes, start);
    while (frame.end <= bytes.byteLength) {
      messages.push(bytes.subarray(frame.start, frame.end));
      start = frame.end;
      frame = frameAt(bytes, start);
    }
    this.#chunks = start < bytes.byteLength ? [bytes.subarray(start)] : [];
    this.#byteLength = bytes.byteLength - start;
    this.#wanted = frame.end - start;
    return messages;
  }
}

/** The bytes of all chunks in one piece; the chunk itself if it is alone. */
export function concat(
  chunks: readonly Uint8Array<ArrayBuffer>[],
  byteLength: number,
): Uint8Array<ArrayBuffer> {
  const [first] = chunks;
  if (first !== undefined && chunks.length === 1) return first;
  const bytes = new Uint8Array(byteLength);
  let position = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, position);
    position += chunk.byteLength;
  }
  return bytes;
}

/** The frame at `position`. Its end lies beyond `bytes` if it is not complete. */
function frameAt(bytes: Uint8Array, position: number): { start: number; end: number } {
  let length = 0;
  for (let scale = 1; scale <= 2 ** 49; scale *= 128) {
    const byte = bytes[position++];
    if (byte === undefined) return { start: position, end: position };
    length += (byte & 127) * scale;
    if (length > Number.MAX_SAFE_INTEGER) break;
    if (byte < 128) return { start: position, end: position + length };
  }
  throw new RangeError("Cannot read frame: received a length of more than 53 bits");
}
