/** The size of a chunk for the runtime, in bytes: large values are split, small messages combined. */
const PIECE_BYTES = 64 * 1024;

/**
 * Bytes that wait for their reader. The runtime gets only as many as the reader consumes, because they
 * cannot be taken back from it.
 */
export class OutgoingBytes {
  #parts: Uint8Array<ArrayBuffer>[] = [];
  #byteLength = 0;

  /** The number of waiting bytes. */
  get byteLength(): number {
    return this.#byteLength;
  }

  /** Adds bytes, which must not be changed afterwards. */
  push(bytes: Uint8Array<ArrayBuffer>): void {
    if (bytes.byteLength === 0) return;
    this.#parts.push(bytes);
    this.#byteLength += bytes.byteLength;
  }

  /** Removes the next bytes; returns undefined if there are none. */
  shift(): Uint8Array<ArrayBuffer> | undefined {
    const [first] = this.#parts;
    if (first === undefined) return undefined;
    const end = Math.min(this.#byteLength, PIECE_BYTES);
    this.#byteLength -= end;
    if (first.byteLength >= end) {
      const rest = first.subarray(end);
      if (rest.byteLength > 0) this.#parts[0] = rest;
      else this.#parts.shift();
      return first.subarray(0, end);
    }
    return this.#gather(end);
  }

  #gather(byteLength: number): Uint8Array<ArrayBuffer> {
    const piece = new Uint8Array(byteLength);
    let at = 0;
    let whole = 0;
    for (const part of this.#parts) {
      const bytes = part.subarray(0, byteLength - at);
      piece.set(bytes, at);
      at += bytes.byteLength;
      if (bytes.byteLength < part.byteLength) {
        this.#parts[whole] = part.subarray(bytes.byteLength);
        break;
      }
      whole++;
      if (at === byteLength) break;
    }
    this.#parts.splice(0, whole);
    return piece;
  }
}
