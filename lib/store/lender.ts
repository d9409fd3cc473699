import { type ByteView, viewAt, viewOf } from "../byte_view.ts";
import type { Segment } from "./segment.ts";
import type { SegmentMemory } from "./segment_memory.ts";

/** When memory is short, values up to this size are not worth lending: copying 1 KiB takes 60 ns. */
const MIN_LENT_BYTES = 1024;
/** When memory is short, the share of what may be lent otherwise. */
const SHORT_SHARE = 1 / 4;
/** Small copies are cut from chunks of this size: a buffer each would cost ten times as much. */
const CHUNK_BYTES = 32 * 1024;
/** Larger copies get a buffer of their own. */
const MAX_CUT_BYTES = 4096;
/** Up to this many words, a loop copies faster than `TypedArray.prototype.set`. */
const LOOP_WORDS = 64;

/**
 * Creates views of values, either by lending the segment's own memory or by copying.
 *
 * Lending is faster, but an exposed segment cannot be reused once it is dropped: its memory is
 * missing until the collector finds that no view points into it, which can take as long as filling
 * the whole store anew. So when memory is short, only larger values are lent, and only from segments
 * that will last; and never from more segments than make up a share of the store, those counted
 * that are still missing. A segment with a single large value is always lent.
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
  view(segment: Segment, start: number, length: number): ByteView {
    if (!segment.isExposed) {
      if (!this.#mayExpose(segment, length)) return this.#copy(segment, start, length);
      segment.isExposed = true;
      this.#memory.exposedBytes += segment.buffer.byteLength;
    }
    return viewAt(segment.buffer, start, length);
  }

  #mayExpose(segment: Segment, length: number): boolean {
    if (segment.isSingle) return true;
    const { exposedBytes, strayBytes, isShort } = this.#memory;
    if (isShort && (length <= MIN_LENT_BYTES || segment.queue?.isLasting !== true)) return false;
    const lentBytes = exposedBytes + strayBytes + segment.buffer.byteLength;
    return lentBytes <= (isShort ? SHORT_SHARE : 1) * this.maxLentBytes;
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
