/** So much of a message that is too large is looked at: what stands before its value. */
const START_BYTES = 64;

/** How a {@linkcode FrameDecoder} is made. */
export interface FrameDecoderOptions {
  /** Messages of more bytes are passed over. */
  maxBytes: number;
  /** Told of each one as soon as it begins: its first 64 bytes, and how many it has. */
  onTooLarge: (start: Uint8Array<ArrayBuffer>, byteLength: number) => void;
}

/** Takes a stream of messages behind their lengths apart, however it was cut into chunks. */
export class FrameDecoder {
  #maxBytes: number;
  #onTooLarge: FrameDecoderOptions["onTooLarge"] | undefined;
  #chunks: Uint8Array<ArrayBuffer>[] = [];
  #byteLength = 0;
  /** Until this many bytes are there no frame can be complete: a large one is put together once. */
  #wanted = 1;
  /** So many bytes to come belong to a message that is too large. */
  #unwanted = 0;

  /** @param options None to take messages of all sizes. */
  constructor(options?: FrameDecoderOptions) {
    this.#maxBytes = options?.maxBytes ?? Infinity;
    this.#onTooLarge = options?.onTooLarge;
  }

  /**
   * The messages that `chunk` completes. They are views, of it where it holds them whole.
   *
   * @throws {RangeError} If a length takes more than 53 bits.
   */
  push(chunk: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
    if (this.#unwanted > 0) {
      const passedOver = Math.min(this.#unwanted, chunk.byteLength);
      this.#unwanted -= passedOver;
      chunk = chunk.subarray(passedOver);
    }
    // Kept, it would keep the buffer that it is an empty part of.
    if (chunk.byteLength === 0) return [];
    this.#chunks.push(chunk);
    this.#byteLength += chunk.byteLength;
    if (this.#byteLength < this.#wanted) return [];
    const bytes = concat(this.#chunks, this.#byteLength);
    const messages: Uint8Array<ArrayBuffer>[] = [];
    let start = 0;
    let frame = frameAt(bytes, start);
    while (this.#readableEnd(frame) <= bytes.byteLength) {
      if (this.#isTooLarge(frame)) {
        const head = bytes.subarray(frame.start, this.#readableEnd(frame));
        this.#onTooLarge?.(head, frame.end - frame.start);
      } else messages.push(bytes.subarray(frame.start, frame.end));
      start = frame.end;
      frame = frameAt(bytes, start);
    }
    this.#unwanted = Math.max(0, start - bytes.byteLength);
    this.#byteLength = Math.max(0, bytes.byteLength - start);
    this.#chunks = this.#byteLength > 0 ? [bytes.subarray(start)] : [];
    this.#wanted = this.#readableEnd(frame) - start;
    return messages;
  }

  #isTooLarge({ start, end }: Frame): boolean {
    return end - start > this.#maxBytes;
  }

  /** Where a frame can be read: at its end, or at that of its beginning if the rest is unwanted. */
  #readableEnd(frame: Frame): number {
    return this.#isTooLarge(frame) ? Math.min(frame.start + START_BYTES, frame.end) : frame.end;
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

/** Where a message stands. */
interface Frame {
  readonly start: number;
  readonly end: number;
}

/** The frame at `position`. Its end lies beyond `bytes` if it is not complete. */
function frameAt(bytes: Uint8Array, position: number): Frame {
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
