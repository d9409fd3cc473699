import { ByteBuffer } from "./byte_buffer.ts";

/** How much of a message that is too large is examined: the fields before its value. */
const START_BYTES = 64;

/**
 * Splits a stream into its messages, each preceded by its length as a varint, however the stream was
 * cut into chunks.
 */
export class FrameDecoder {
  #maxBytes: number;
  #onTooLarge: FrameDecoderOptions["onTooLarge"] | undefined;
  /** The beginning of a message whose end has not arrived. */
  #pending = new ByteBuffer();
  /** No frame is complete until this many bytes are pending, so a large one is parsed once. */
  #wanted = 1;
  /** How many of the next bytes belong to a message that is too large. */
  #unwanted = 0;

  /** @param options By default messages of any size are returned. */
  constructor(options?: FrameDecoderOptions) {
    this.#maxBytes = options?.maxBytes ?? Infinity;
    this.#onTooLarge = options?.onTooLarge;
  }

  /**
   * Returns the messages that `chunk` completes. A message that lies whole in `chunk` is a view of it.
   *
   * @throws {RangeError} If a length takes more than 53 bits.
   */
  push(chunk: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
    const messages: Uint8Array<ArrayBuffer>[] = [];
    let start = 0;
    while (start < chunk.byteLength) {
      const restBytes = chunk.byteLength - start;
      if (this.#unwanted > 0) {
        const skipped = Math.min(this.#unwanted, restBytes);
        this.#unwanted -= skipped;
        start += skipped;
      } else if (this.#pending.byteLength === 0) {
        this.#read(chunk, start, messages);
        break;
      } else {
        // Of the message that began earlier, and only of it, the bytes must be joined.
        const missing = this.#wanted - this.#pending.byteLength;
        const part = chunk.subarray(start, start + missing);
        start += part.byteLength;
        if (restBytes < missing) this.#pending.push(part);
        else this.#read(this.#pending.takeWith(part), 0, messages);
      }
    }
    return messages;
  }

  /** Reads the messages in `bytes` from `start` on. What follows the last one is kept. */
  #read(
    bytes: Uint8Array<ArrayBuffer>,
    start: number,
    messages: Uint8Array<ArrayBuffer>[],
  ): void {
    let frame = frameAt(bytes, start);
    while (this.#readableEnd(frame) <= bytes.byteLength) {
      if (this.#isTooLarge(frame)) {
        const head = bytes.subarray(frame.start, this.#readableEnd(frame));
        this.#onTooLarge?.(head, frame.byteLength);
      } else messages.push(bytes.subarray(frame.start, frame.end));
      start = frame.end;
      frame = frameAt(bytes, start);
    }
    this.#unwanted = Math.max(0, start - bytes.byteLength);
    this.#wanted = this.#readableEnd(frame) - start;
    if (start < bytes.byteLength) this.#pending.push(bytes.subarray(start));
  }

  #isTooLarge({ byteLength }: Frame): boolean {
    return byteLength > this.#maxBytes;
  }

  /** Where a frame can be handled: at its end, or after its first 64 bytes if it is too large. */
  #readableEnd(frame: Frame): number {
    return this.#isTooLarge(frame) ? Math.min(frame.start + START_BYTES, frame.end) : frame.end;
  }
}

/** Options for {@linkcode FrameDecoder}. */
export interface FrameDecoderOptions {
  /** The size of the largest message, in bytes. Larger ones are skipped. */
  maxBytes: number;
  /** Called for each message that is too large, with its first 64 bytes and its size in bytes. */
  onTooLarge: (start: Uint8Array<ArrayBuffer>, byteLength: number) => void;
}

/** The position of a message in a buffer. */
interface Frame {
  readonly start: number;
  readonly byteLength: number;
  readonly end: number;
}

/** The frame at `position`. Its end lies beyond `bytes` if it is incomplete. */
function frameAt(bytes: Uint8Array, position: number): Frame {
  let length = 0;
  for (let scale = 1; scale <= 2 ** 49; scale *= 128) {
    const byte = bytes[position++];
    if (byte === undefined) return { start: position, byteLength: 0, end: position };
    length += (byte & 127) * scale;
    if (length > Number.MAX_SAFE_INTEGER) break;
    if (byte < 128) return { start: position, byteLength: length, end: position + length };
  }
  throw new RangeError("Cannot read frame: received a length of more than 53 bits");
}
