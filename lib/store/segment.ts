/**
 * What a segment takes beyond its buffer: the buffer's own bookkeeping, two typed arrays and this
 * object. An estimate that the memory benchmark confirms.
 */
export const SEGMENT_OVERHEAD_BYTES = 768;

/** Entries never start at 0, which means "none". */
export const FIRST_WORD = 1;

/** A run of entries in one buffer, filled front to back and dropped as a whole. */
export class Segment {
  /** Identifies the segment in the index. */
  readonly id: number;
  readonly buffer: ArrayBuffer;
  /** Signed, because JavaScriptCore turns large unsigned words into floating-point numbers. */
  readonly words: Int32Array;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The word at which the next entry goes. */
  used: number = FIRST_WORD;
  /** Words of entries that are still in the index. */
  liveWords = 0;
  /** Whether it takes no more entries. */
  isSealed = false;
  /** Whether a view has ever pointed into the buffer: it can then be neither reused nor detached. */
  isExposed = false;
  /** Whether it was allocated for one large entry. */
  isSingle = false;
  /** Whether it is waiting to be compacted, or already being emptied. */
  isSparse = false;
  /** Whether its memory was given back. */
  isReleased = false;
  /** Whether any entry that ever was in it was used: most segments need no look at their entries. */
  isUsed = false;
  /** When the oldest of the entries that ever were in it was stored, wherever that was. */
  sinceMs: number = Infinity;
  /** When the sweeper should look for expired entries. */
  sweepAtMs: number = Infinity;
  /** For the eviction policy: when it entered its queue, in the policy's own time, */
  bornAt = 0;
  /** and whether it is among the newest. */
  isYoung = false;
  queue: SegmentQueue | undefined;
  older: Segment | undefined;
  newer: Segment | undefined;

  constructor(id: number, buffer: ArrayBuffer) {
    this.id = id;
    this.buffer = buffer;
    this.words = new Int32Array(buffer);
    this.bytes = new Uint8Array(buffer);
  }

  /** The memory taken, in bytes. */
  get byteLength(): number {
    return this.bytes.byteLength + SEGMENT_OVERHEAD_BYTES;
  }
}

/** Segments in order of age, which is also the order of their entries. */
export class SegmentQueue {
  oldest: Segment | undefined;
  newest: Segment | undefined;
  /** The segment that new entries go to. */
  open: Segment | undefined;
  /** Memory taken, in bytes. */
  bytes = 0;
  /** Whether a segment usually stays here for long before it is emptied. */
  readonly isLasting: boolean;
  readonly #onPush: (segment: Segment) => void;

  constructor({ isLasting = false, onPush = () => {} }: SegmentQueueOptions = {}) {
    this.isLasting = isLasting;
    this.#onPush = onPush;
  }

  push(segment: Segment): void {
    segment.queue = this;
    segment.older = this.newest;
    segment.newer = undefined;
    if (this.newest === undefined) this.oldest = segment;
    else this.newest.newer = segment;
    this.newest = segment;
    this.bytes += segment.byteLength;
    this.#onPush(segment);
  }

  remove(segment: Segment): void {
    if (segment.older === undefined) this.oldest = segment.newer;
    else segment.older.newer = segment.newer;
    if (segment.newer === undefined) this.newest = segment.older;
    else segment.newer.older = segment.older;
    if (this.open === segment) this.open = undefined;
    segment.queue = segment.older = segment.newer = undefined;
    this.bytes -= segment.byteLength;
  }
}

/** Options for {@linkcode SegmentQueue}. */
export interface SegmentQueueOptions {
  /** Whether a segment usually stays for long before it is emptied. @default false */
  isLasting?: boolean;
  /** Called with each segment that has just become the newest. */
  onPush?: (segment: Segment) => void;
}
