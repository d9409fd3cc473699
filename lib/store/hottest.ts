import {
  isAlive,
  isDead,
  keyBytesOf,
  keyStartOf,
  MAX_USES,
  usesOf,
  valueBytesOf,
  wordsOf,
} from "./entry.ts";
import type { EntryHeap } from "./entry_heap.ts";
import { FIRST_WORD, type Segment } from "./segment.ts";
import type { SegmentQueue } from "./segment_queue.ts";
import type { StoredKey } from "./store.ts";

const decoder = new TextDecoder();

/**
 * The keys that are held, those in demand first: by their uses, among equals those of the main queue,
 * the latest first. What changes meanwhile may be left out or come twice.
 */
export function* hottestOf(heap: EntryHeap, nowMs: number): Generator<StoredKey> {
  for (let uses = MAX_USES; uses >= 0; uses--) {
    for (const queue of [heap.main, heap.small]) yield* keysUsed(queue, uses, nowMs);
  }
}

function* keysUsed(queue: SegmentQueue, uses: number, nowMs: number): Generator<StoredKey> {
  for (const segment of latestFirst(queue)) {
    const { words, bytes } = segment;
    for (let at = FIRST_WORD; at < segment.used; at += wordsOf(words, at)) {
      if (segment.isReleased) break;
      if (isDead(words, at) || usesOf(words, at) !== uses || !isAlive(words, at, nowMs)) continue;
      const start = 4 * keyStartOf(words, at);
      const key = decoder.decode(bytes.subarray(start, start + keyBytesOf(words, at)));
      yield { key, valueBytes: valueBytesOf(words, at) };
    }
  }
}

/** A list of its own: segments come and go while it is gone through. */
function latestFirst(queue: SegmentQueue): Segment[] {
  const segments: Segment[] = [];
  for (let segment = queue.newest; segment !== undefined; segment = segment.older) {
    segments.push(segment);
  }
  return segments;
}
