const EMPTY = new Uint8Array(0);

/**
 * Collects bytes that arrive in chunks. They are copied into one buffer that grows, because a chunk
 * may be a small view of a large buffer: Deno reads into 64 KiB, all of which a chunk of one byte
 * would keep alive. Only a first chunk that is most of its buffer is kept as it is.
 */
export class ByteBuffer {
  /** Either the first chunk, which is full and so never written to, or a buffer of our own. */
  #bytes: Uint8Array<ArrayBuffer> = EMPTY;
  #byteLength = 0;

  /** The number of bytes collected. */
  get byteLength(): number {
    return this.#byteLength;
  }

  /**
   * Appends a chunk.
   *
   * @param expectedBytes How many bytes there will be in the end, if known: the buffer doubles its
   * size up to there. Memory grows with what has arrived, whatever the number.
   */
  push(chunk: Uint8Array<ArrayBuffer>, expectedBytes: number = Infinity): void {
    const byteLength = this.#byteLength + chunk.byteLength;
    if (this.#byteLength === 0 && chunk.byteLength * 2 > chunk.buffer.byteLength) {
      this.#bytes = chunk;
    } else {
      if (byteLength > this.#bytes.byteLength) {
        const doubled = Math.min(this.#bytes.byteLength * 2, expectedBytes);
        const grown = new Uint8Array(Math.max(byteLength, doubled));
        grown.set(this.#bytes.subarray(0, this.#byteLength));
        this.#bytes = grown;
      }
      this.#bytes.set(chunk, this.#byteLength);
    }
    this.#byteLength = byteLength;
  }

  /** Returns the bytes collected, which are the caller's from then on, and starts afresh. */
  take(): Uint8Array<ArrayBuffer> {
    const bytes = this.#bytes.subarray(0, this.#byteLength);
    this.#bytes = EMPTY;
    this.#byteLength = 0;
    return bytes;
  }
}
