import type { SegmentQueue } from "./segment_queue.ts";

/**
 * What a segment takes beyond its buffer: the buffer's own bookkeeping, two typed arrays and this
 * object. Estimated; the memory benchmark bears it out.
 */
export const SEGMENT_OVERHEAD_BYTES = 768;

/** Entries begin at an even word, and not at 0, which says "none". */
export const FIRST_WORD = 2;

/** A run of entries in one buffer, filled front to back, dropped as a whole. */
export class Segment {
  /** Names the segment in the index. */
  readonly id: number;
  readonly buffer: ArrayBuffer;
  /** Signed, because JavaScriptCore makes floating-point numbers of the larger unsigned ones. */
  readonly words: Int32Array;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where the next entry goes. */
  used: number = FIRST_WORD;
  /** Words of entries that the index knows. */
  liveWords = 0;
  /** Nothing is appended any more. */
  isSealed = false;
  /** A view points into the buffer, or did: it may neither be used again nor be detached. */
  isExposed = false;
  /** It was made for one large entry. */
  isSingle = false;
  /** It waits to be compacted. */
  isSparse = false;
  /** Its memory was given back. */
  isReleased = false;
  /** When the sweeper should look for expired entries. */
  sweepAtMs: number = Infinity;
  queue: SegmentQueue | undefined;
  older: Segment | undefined;
  newer: Segment | undefined;

  constructor(id: number, buffer: ArrayBuffer) {
    this.id = id;
    this.buffer = buffer;
    this.words = new Int32Array(buffer);
    this.bytes = new Uint8Array(buffer);
  }

  /** The memory that it takes, in bytes. */
  get byteLength(): number {
    return this.bytes.byteLength + SEGMENT_OVERHEAD_BYTES;
  }
}
