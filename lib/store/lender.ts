import { type ByteView, viewAt, viewOf } from "../byte_view.ts";
import type { Segment } from "./segment.ts";
import type { SegmentMemory } from "./segment_memory.ts";

/** Small copies are cut from chunks of this size: a buffer each would cost ten times as much. */
const CHUNK_BYTES = 32 * 1024;
/** Larger copies get a buffer of their own. */
const MAX_CUT_BYTES = 4096;
/** Up to this many words, a loop copies faster than `TypedArray.prototype.set`. */
const LOOP_WORDS = 64;

/**
 * Creates views of values. As far as it may, it lends the segment's own memory. But an exposed
 * segment cannot be reused once it is dropped: its memory is gone until the collector finds that no
 * view points into it, which can take as long as filling the whole store anew. So once exposed and
 * stray segments make up their share of the store, values in other segments are copied. A segment
 * with a single large value is always lent.
 */
export class Lender {
  /** How much of the ordinary segments views may point into, in bytes. */
  maxLentBytes = 0;
  readonly #memory: SegmentMemory;
  #buffer = new ArrayBuffer(0);
  #chunk = new Int32Array(this.#buffer);
  #used = 0;

  constructor(memory: SegmentMemory) {
    this.#memory = memory;
  }

  /** Returns a view of `length` bytes of a segment from `start` on, which is a multiple of 4. */
  lend(segment: Segment, start: number, length: number): ByteView {
    if (!segment.isExposed && !this.#expose(segment)) return this.#copy(segment, start, length);
    return viewAt(segment.buffer, start, length);
  }

  #expose(segment: Segment): boolean {
    const memory = this.#memory;
    const bytes = segment.buffer.byteLength;
    if (!segment.isSingle && memory.exposedBytes + memory.strayBytes + bytes > this.maxLentBytes) {
      return false;
    }
    segment.isExposed = true;
    memory.exposedBytes += bytes;
    return true;
  }

  #copy(segment: Segment, start: number, length: number): ByteView {
    if (length > MAX_CUT_BYTES) return viewOf(segment.bytes.slice(start, start + length));
    const count = length + 3 >>> 2;
    if (this.#used + count > this.#chunk.length) {
      this.#buffer = new ArrayBuffer(CHUNK_BYTES);
      this.#chunk = new Int32Array(this.#buffer);
      this.#used = 0;
    }
    const { words } = segment;
    const chunk = this.#chunk;
    const to = this.#used;
    const from = start >>> 2;
    this.#used += count;
    if (count > LOOP_WORDS) chunk.set(words.subarray(from, from + count), to);
    else for (let at = 0; at < count; at++) chunk[to + at] = words[from + at] as number;
    return viewAt(this.#buffer, 4 * to, length);
  }
}
