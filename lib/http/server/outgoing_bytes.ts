/** What goes to the runtime at once: large values go in pieces, small messages together. */
const PIECE_BYTES = 64 * 1024;

/**
 * Bytes that wait for their reader. The runtime gets no more of them than the reader takes: what it
 * has cannot be taken back.
 */
export class OutgoingBytes {
  #parts: Uint8Array<ArrayBuffer>[] = [];
  #byteLength = 0;

  /** How many bytes wait. */
  get byteLength(): number {
    return this.#byteLength;
  }

  /** Adds bytes, which must not be used afterwards. */
  push(bytes: Uint8Array<ArrayBuffer>): void {
    if (bytes.byteLength === 0) return;
    this.#parts.push(bytes);
    this.#byteLength += bytes.byteLength;
  }

  /** Takes the next ones out, undefined if there are none. */
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
