import { isAlive, isDead, wordsOf } from "./entry.ts";
import type { EntryLog } from "./entry_log.ts";
import type { S3Fifo } from "./s3_fifo.ts";
import { FIRST_WORD, type Segment } from "./segment.ts";

/**
 * Empties segments, one at a time and entry by entry, so that the work can be spread over many
 * calls. A sparse segment is compacted: its live entries move to the end of their queue. If there
 * is none, the eviction policy names a victim and decides on each of its entries.
 */
export class Reclaimer {
  /** How many entries were evicted. */
  evictions = 0;
  /** Entries that have expired by now are dropped, whatever the policy says. */
  nowMs = 0;
  /** How many uses the policy should ignore. */
  ignoredUses = 0;
  readonly #log: EntryLog;
  readonly #policy: S3Fifo;
  /** The segment being emptied, */
  #segment: Segment | undefined;
  /** the next entry in it, */
  #at = FIRST_WORD;
  /** and whether its entries stay in their queue. */
  #isCompacting = false;

  constructor(log: EntryLog, policy: S3Fifo) {
    this.#log = log;
    this.#policy = policy;
  }

  /** Compacts this many more words, if any segment is sparse. */
  compact(words: number): void {
    for (let left = words; left > 0;) {
      if (!this.#isBusy() && !this.#pickSparse()) return;
      if (!this.#isCompacting) return;
      left -= this.#step();
    }
  }

  /** Makes room in this many more words, but never empties the newest segment of a queue. */
  advance(words: number): void {
    for (let left = words; left > 0;) {
      if (!this.#isBusy()) {
        if (this.#log.sparse.length === 0 && this.#policy.nextVictim()?.newer === undefined) return;
        if (!this.#pick()) return;
      }
      if (this.#isBusy()) left -= this.#step();
    }
  }

  /** Empties one segment completely. Returns false if there is none. */
  reclaim(): boolean {
    if (!this.#isBusy() && !this.#pick()) return false;
    while (this.#isBusy()) this.#step();
    return true;
  }

  #isBusy(): boolean {
    const segment = this.#segment;
    if (segment === undefined) return false;
    if (!segment.isReleased && this.#at < segment.used) return true;
    segment.isSparse = false;
    this.#segment = undefined;
    return false;
  }

  #pick(): boolean {
    return this.#pickSparse() || this.#pickVictim();
  }

  #pickSparse(): boolean {
    const { sparse } = this.#log;
    while (sparse.length > 0) {
      const segment = sparse.pop() as Segment;
      if (segment.isReleased) continue;
      this.#begin(segment);
      this.#isCompacting = true;
      return true;
    }
    return false;
  }

  #pickVictim(): boolean {
    const segment = this.#policy.nextVictim();
    if (segment === undefined) return false;
    this.#begin(segment);
    this.#isCompacting = false;
    if (!segment.isSealed) this.#log.seal(segment);
    return true;
  }

  #begin(segment: Segment): void {
    this.#segment = segment;
    this.#at = FIRST_WORD;
    // Nobody needs to queue it for compaction while it is being emptied.
    segment.isSparse = true;
  }

  /** Deals with one entry and returns its size in words. */
  #step(): number {
    const segment = this.#segment as Segment;
    const at = this.#at;
    const words = wordsOf(segment.words, at);
    this.#at += words;
    if (!isDead(segment.words, at)) this.#moveOrDrop(segment, at);
    return words;
  }

  #moveOrDrop(segment: Segment, at: number): void {
    if (!isAlive(segment.words, at, this.nowMs)) return this.#log.expire(segment, at);
    const queue = this.#isCompacting
      ? segment.queue
      : this.#policy.verdict(segment, at, this.ignoredUses);
    if (queue !== undefined) return this.#log.move(segment, at, queue);
    this.evictions++;
    this.#log.drop(segment, at);
  }
}
