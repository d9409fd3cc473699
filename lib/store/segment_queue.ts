import type { Segment } from "./segment.ts";

/** Segments in the order in which they came, which is the order in which their entries did. */
export class SegmentQueue {
  /** The segment whose turn it is next to be evicted. */
  oldest: Segment | undefined;
  newest: Segment | undefined;
  /** The segment that is being filled. */
  open: Segment | undefined;
  /** Memory taken, in bytes. */
  bytes = 0;
  /** Entries held. */
  items = 0;

  push(segment: Segment): void {
    segment.queue = this;
    segment.older = this.newest;
    segment.newer = undefined;
    if (this.newest === undefined) this.oldest = segment;
    else this.newest.newer = segment;
    this.newest = segment;
    this.bytes += segment.byteLength;
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
