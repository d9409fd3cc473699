import { expiresAtMsOf, isDead, wordsOf } from "./entry.ts";
import type { EntryHeap } from "./entry_heap.ts";
import { FIRST_WORD, type Segment } from "./segment.ts";

/**
 * Drops expired entries before their turn to be evicted comes, a few words of work at a time. It
 * goes round the segments and enters those in which something has expired; when it has been
 * through one, it stays away for the typical time (the geometric mean) that the rest has to live.
 */
export class Sweeper {
  readonly #heap: EntryHeap;
  #segment: Segment | undefined;
  #at = FIRST_WORD;
  #nextId = 0;
  #mortals = 0;
  #logOfLives = 0;

  constructor(heap: EntryHeap) {
    this.#heap = heap;
  }

  /** Looks at one more segment, or goes over about so many words of the present one. */
  sweep(words: number, nowMs: number): void {
    if (this.#segment === undefined && !this.#enter(nowMs)) return;
    const segment = this.#segment as Segment;
    for (let left = words; left > 0; left -= this.#step(segment, nowMs)) {
      if (!segment.isReleased && this.#at < segment.used) continue;
      if (this.#mortals > 0 && !segment.isReleased) {
        const lifeMs = Math.exp(this.#logOfLives / this.#mortals);
        segment.sweepAtMs = Math.min(segment.sweepAtMs, nowMs + lifeMs);
      }
      this.#segment = undefined;
      return;
    }
  }

  #enter(nowMs: number): boolean {
    const { segments } = this.#heap.memory;
    this.#nextId = this.#nextId + 1 < segments.length ? this.#nextId + 1 : 0;
    const segment = segments[this.#nextId];
    if (segment === undefined || segment.sweepAtMs > nowMs) return false;
    // What is appended from here on lowers it again.
    segment.sweepAtMs = Infinity;
    this.#segment = segment;
    this.#at = FIRST_WORD;
    this.#mortals = this.#logOfLives = 0;
    return true;
  }

  #step(segment: Segment, nowMs: number): number {
    const { words } = segment;
    const at = this.#at;
    const size = wordsOf(words, at);
    this.#at += size;
    if (isDead(words, at)) return size;
    const expiresAtMs = expiresAtMsOf(words, at);
    if (expiresAtMs <= nowMs) this.#heap.drop(segment, at);
    else if (expiresAtMs !== Infinity) {
      this.#mortals++;
      this.#logOfLives += Math.log(expiresAtMs - nowMs);
    }
    return size;
  }
}
