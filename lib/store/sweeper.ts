import { expiresAtMsOf, isDead, wordsOf } from "./entry.ts";
import type { EntryLog } from "./entry_log.ts";
import { FIRST_WORD, type Segment } from "./segment.ts";

/**
 * Drops expired entries before eviction reaches them: a few words of work at a time, or a segment at
 * a time when room is needed at once. It goes round the segments and enters those in which something
 * has expired. After a segment it leaves that one
 * alone for the typical time (the geometric mean) that its remaining entries have to live.
 */
export class Sweeper {
  readonly #log: EntryLog;
  #segment: Segment | undefined;
  #at = FIRST_WORD;
  #nextId = 0;
  #expiring = 0;
  #sumOfLogTtls = 0;

  constructor(log: EntryLog) {
    this.#log = log;
  }

  /** Sweeps about this many more words of the current segment, or checks whether to enter the next. */
  sweep(words: number, nowMs: number): void {
    if (this.#segment === undefined && !this.#enter(nowMs)) return;
    const segment = this.#segment as Segment;
    for (let left = words; left > 0; left -= this.#step(segment, nowMs)) {
      if (!segment.isReleased && this.#at < segment.used) continue;
      if (this.#expiring > 0 && !segment.isReleased) {
        const sweepAtMs = nowMs + Math.exp(this.#sumOfLogTtls / this.#expiring);
        if (sweepAtMs < segment.sweepAtMs) segment.sweepAtMs = sweepAtMs;
        if (sweepAtMs < this.#log.sweepAtMs) this.#log.sweepAtMs = sweepAtMs;
      }
      this.#segment = undefined;
      return;
    }
  }

  /** Sweeps a whole segment in which something has expired. Returns false if there is none. */
  sweepExpired(nowMs: number): boolean {
    const log = this.#log;
    if (this.#segment === undefined) {
      if (!(log.sweepAtMs <= nowMs)) return false;
      const { segments } = log.memory;
      let sweepAtMs = Infinity;
      for (let left = segments.length; left > 0 && !this.#enter(nowMs); left--) {
        sweepAtMs = Math.min(sweepAtMs, segments[this.#nextId]?.sweepAtMs ?? Infinity);
      }
      if (this.#segment === undefined) {
        // All segments have been looked at, so the next call need not until then.
        log.sweepAtMs = sweepAtMs;
        return false;
      }
    }
    while (this.#segment !== undefined) this.sweep(Infinity, nowMs);
    return true;
  }

  #enter(nowMs: number): boolean {
    const { segments } = this.#log.memory;
    this.#nextId = this.#nextId + 1 < segments.length ? this.#nextId + 1 : 0;
    const segment = segments[this.#nextId];
    if (segment === undefined || !(segment.sweepAtMs <= nowMs)) return false;
    // Entries appended during the sweep lower it again.
    segment.sweepAtMs = Infinity;
    this.#segment = segment;
    this.#at = FIRST_WORD;
    this.#expiring = this.#sumOfLogTtls = 0;
    return true;
  }

  #step(segment: Segment, nowMs: number): number {
    const { words } = segment;
    const at = this.#at;
    const size = wordsOf(words, at);
    this.#at += size;
    if (isDead(words, at)) return size;
    const expiresAtMs = expiresAtMsOf(words, at);
    if (expiresAtMs <= nowMs) this.#log.expire(segment, at);
    else if (expiresAtMs !== Infinity) {
      this.#expiring++;
      this.#sumOfLogTtls += Math.log(expiresAtMs - nowMs);
    }
    return size;
  }
}
