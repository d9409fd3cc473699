import { hashOf, isAlive, isDead, setUses, usesOf, wordsOf } from "./entry.ts";
import type { EntryHeap } from "./entry_heap.ts";
import { GhostClock } from "./ghost_table.ts";
import { FIRST_WORD, type Segment } from "./segment.ts";

/** Uses after which an entry goes on to the main queue when its turn comes in the small one. */
const PROMOTED_USES = 1;

/**
 * Empties segments, one at a time and entry by entry, so that the work can be spread over many
 * calls. A sparse segment is compacted: what is alive moves to the end of its queue. Else a
 * segment is evicted as in S3-FIFO. If the small queue is over its share, its oldest segment: what
 * was used moves to main, the rest is dropped and leaves a ghost behind. Else main's oldest: what
 * was used goes once more to the end, for one use less.
 *
 * Yang, Zhang, Qiu, Yue and Rashmi, "FIFO queues are all you need for cache eviction", SOSP 2023.
 */
export class Reclaimer {
  /** Entries dropped to make room. */
  evictions = 0;
  /** The small queue's share, in bytes. */
  smallBytes = 0;
  /** What has expired by now is dropped and leaves nothing behind. */
  nowMs = 0;
  /** Entries used this often or less are dropped from main. */
  indifferentUses = 0;
  readonly #heap: EntryHeap;
  readonly #ghosts = new GhostClock();
  /** The segment that is being emptied, */
  #segment: Segment | undefined;
  /** how far, */
  #at = FIRST_WORD;
  /** and why. */
  #isCompacting = false;

  constructor(heap: EntryHeap) {
    this.#heap = heap;
  }

  /** Whether a key with this hash was dropped by the small queue not long ago. */
  takeGhost(hash: number): boolean {
    const { ghosts } = this.#heap.index.tableOf(hash);
    return ghosts.take(hash, this.#ghosts.epoch, this.#ghosts.window);
  }

  /** Goes on compacting over so many words, if there is anything to compact. */
  compact(words: number): void {
    for (let left = words; left > 0;) {
      if (!this.#isBusy() && !this.#pickSparse()) return;
      if (!this.#isCompacting) return;
      left -= this.#step();
    }
  }

  /** Goes on making room over so many words, but leaves alone what came in last. */
  advance(words: number): void {
    for (let left = words; left > 0;) {
      if (!this.#isBusy()) {
        if (this.#heap.sparse.length === 0 && this.#nextVictim()?.newer === undefined) return;
        if (!this.#pick()) return;
      }
      if (this.#isBusy()) left -= this.#step();
    }
  }

  /** Empties one segment to its end. Returns false if there is none. */
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
    const { sparse } = this.#heap;
    while (sparse.length > 0) {
      const segment = sparse.pop() as Segment;
      if (segment.isReleased) continue;
      this.#begin(segment);
      this.#isCompacting = true;
      return true;
    }
    return false;
  }

  #nextVictim(): Segment | undefined {
    const { small, main } = this.#heap;
    const isSmallsTurn = small.bytes > this.smallBytes || main.oldest === undefined;
    return isSmallsTurn ? small.oldest : main.oldest;
  }

  #pickVictim(): boolean {
    const segment = this.#nextVictim();
    if (segment === undefined) return false;
    this.#begin(segment);
    this.#isCompacting = false;
    if (!segment.isSealed) this.#heap.seal(segment);
    return true;
  }

  #begin(segment: Segment): void {
    this.#segment = segment;
    this.#at = FIRST_WORD;
    // It needs no noting while it is being emptied.
    segment.isSparse = true;
  }

  /** Judges one entry and returns how many words it had. */
  #step(): number {
    const segment = this.#segment as Segment;
    const at = this.#at;
    const words = wordsOf(segment.words, at);
    this.#at += words;
    if (!isDead(segment.words, at)) this.#judge(segment, at);
    return words;
  }

  #judge(segment: Segment, at: number): void {
    const heap = this.#heap;
    const { words, queue } = segment;
    if (queue === undefined || !isAlive(words, at, this.nowMs)) return heap.drop(segment, at);
    if (this.#isCompacting) return heap.move(segment, at, queue);
    const uses = usesOf(words, at);
    if (queue === heap.main) {
      if (uses > this.indifferentUses) {
        setUses(words, at, uses - 1);
        return heap.move(segment, at, queue);
      }
    } else {
      if (uses >= PROMOTED_USES && uses >= this.indifferentUses) {
        setUses(words, at, 0);
        return heap.move(segment, at, heap.main);
      }
      const hash = hashOf(words, at);
      heap.index.tableOf(hash).ghosts.add(hash, this.#ghosts.epoch);
      this.#ghosts.tick(heap.main.items);
    }
    this.evictions++;
    heap.drop(segment, at);
  }
}
