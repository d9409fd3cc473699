const EMPTY = new Uint8Array(0);

/** From this size on, a chunk that is most of its buffer is kept as it is. */
const KEPT_BYTES = 4096;

/** The largest buffer into which chunks are copied, in bytes. */
const MAX_TAIL_BYTES = 64 * 1024;

/**
 * Collects bytes that arrive in chunks, and copies them once they are complete. Small chunks are copied
 * at once, because each may be a view of a large buffer: Deno reads into 64 KiB, all of which a chunk of
 * one byte would keep alive.
 */
export class ByteBuffer {
  /** What precedes the tail. */
  #chunks: Uint8Array<ArrayBuffer>[] = [];
  /** A buffer of our own, the last bytes of which are unused. */
  #tail = EMPTY;
  /** The part of it that follows the chunks. */
  #start = 0;
  #end = 0;
  #byteLength = 0;

  /** The number of bytes collected. */
  get byteLength(): number {
    return this.#byteLength;
  }

  /** Makes room for so many bytes that are going to be copied. If they fit they are never joined. */
  reserve(byteLength: number): void {
    this.#endTail();
    this.#tail = new Uint8Array(byteLength);
    this.#start = this.#end = 0;
  }

  /** Appends a copy of a chunk. */
  copy(chunk: Uint8Array<ArrayBuffer>): void {
    const { byteLength } = chunk;
    this.#byteLength += byteLength;
    if (byteLength > this.#tail.byteLength - this.#end) {
      this.#endTail();
      const doubled = Math.min(2 * this.#tail.byteLength, MAX_TAIL_BYTES);
      this.#tail = new Uint8Array(Math.max(byteLength, doubled));
      this.#start = this.#end = 0;
    }
    this.#tail.set(chunk, this.#end);
    this.#end += byteLength;
  }

  /** Appends a chunk, which is never written to. */
  push(chunk: Uint8Array<ArrayBuffer>): void {
    const { byteLength } = chunk;
    const mayBeKept = byteLength >= KEPT_BYTES || this.#byteLength === 0;
    if (!mayBeKept || byteLength * 2 <= chunk.buffer.byteLength) return this.copy(chunk);
    this.#endTail();
    this.#chunks.push(chunk);
    this.#byteLength += byteLength;
  }

  /** Returns the bytes collected, which are the caller's from then on, and starts afresh. */
  take(): Uint8Array<ArrayBuffer> {
    this.#endTail();
    const [first = EMPTY, ...others] = this.#chunks;
    const bytes = others.length === 0 ? first : this.#join();
    this.#chunks = [];
    this.#tail = EMPTY;
    this.#start = this.#end = this.#byteLength = 0;
    return bytes;
  }

  /** As `push` and `take`, but without a copy of the last chunk in between. */
  takeWith(last: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    this.#endTail();
    this.#chunks.push(last);
    this.#byteLength += last.byteLength;
    return this.take();
  }

  #endTail(): void {
    if (this.#start === this.#end) return;
    this.#chunks.push(this.#tail.subarray(this.#start, this.#end));
    this.#start = this.#end;
  }

  #join(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.#byteLength);
    let at = 0;
    for (const chunk of this.#chunks) {
      bytes.set(chunk, at);
      at += chunk.byteLength;
    }
    return bytes;
  }
}
