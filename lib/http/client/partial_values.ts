import { borrowBytes, type ByteView, viewOf } from "../../byte_view.ts";
import { ByteBuffer } from "../../wire/byte_buffer.ts";

/** Large values of which some parts have arrived, by the ids of their calls. */
export class PartialValues {
  #parts = new Map<number, ByteBuffer>();

  /** The size of the parts of a value so far, in bytes. */
  byteLength(id: number): number {
    return this.#parts.get(id)?.byteLength ?? 0;
  }

  /** Adds a part. Returns the size of all parts, in bytes. */
  add(id: number, part: Uint8Array<ArrayBuffer>): number {
    let parts = this.#parts.get(id);
    if (parts === undefined) this.#parts.set(id, parts = new ByteBuffer());
    parts.push(part);
    return parts.byteLength;
  }

  /** Returns the whole value, given its last part, which is mostly its only one. */
  complete(id: number, last: ByteView): ByteView {
    const parts = this.#parts.get(id);
    if (parts === undefined) return last;
    this.#parts.delete(id);
    parts.push(borrowBytes(last));
    return viewOf(parts.take());
  }

  /** Drops the parts of a value. */
  delete(id: number): void {
    this.#parts.delete(id);
  }

  /** Drops all parts. */
  clear(): void {
    this.#parts.clear();
  }
}
