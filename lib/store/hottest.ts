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
import { FIRST_WORD, type Segment, type SegmentQueue } from "./segment.ts";
import type { StoredKey } from "./store.ts";

/** A byte order mark at the beginning is a part of the key. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Lists the live keys of some queues: by uses, then in the order of the queues, then newest first.
 * Entries that change during the iteration may be skipped or come twice.
 */
export function* hottestOf(queues: readonly SegmentQueue[], nowMs: number): Generator<StoredKey> {
  for (let uses = MAX_USES; uses >= 0; uses--) {
    for (const queue of queues) yield* keysUsed(queue, uses, nowMs);
  }
}

function* keysUsed(queue: SegmentQueue, uses: number, nowMs: number): Generator<StoredKey> {
  for (const segment of newestFirst(queue)) {
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

/** Returns a list of its own, because segments come and go during the iteration. */
function newestFirst(queue: SegmentQueue): Segment[] {
  const segments: Segment[] = [];
  for (let segment = queue.newest; segment !== undefined; segment = segment.older) {
    segments.push(segment);
  }
  return segments;
}
