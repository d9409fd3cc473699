/** The mean number of gets per sample. */
const SAMPLE = 32;
/** How many keys are counted at a time. The hottest are certain to be among them. */
const MAX_KEYS = 128;
/** The length of a window, in milliseconds: rates cover one to two windows. */
const WINDOW_MS = 5000;
/** Counting stops if the result has not been read for this long, in milliseconds. */
const INTEREST_MS = 30_000;
/** The number of samples between two readings of the clock. */
const CHECK = 256;

/** A key and the estimated rate of its requests. */
export interface KeyRate {
  readonly key: string;
  readonly perSecond: number;
}

/**
 * Finds the most requested keys from a sample, for as long as the result is read, with the algorithm of
 * Misra and Gries (1982) in two alternating windows.
 */
export class KeySampler {
  #samples = 0;
  /** How many gets to skip: drawn at random each time, so that periodic callers do not skew it. */
  #skip = SAMPLE;
  #random: () => number;
  #counts = new Map<string, number>();
  #previous = new Map<string, number>();
  #startedAtMs: number;
  #previousAtMs: number;
  #askedAtMs: number;
  #now: () => number;

  /**
   * @param now Returns the time, in Unix milliseconds.
   * @param random As `Math.random`.
   */
  constructor(now: () => number, random: () => number) {
    this.#now = now;
    this.#random = random;
    this.#startedAtMs = this.#previousAtMs = this.#askedAtMs = now();
  }

  /** Counts a get. Returns false once the result is no longer read. */
  count(key: string): boolean {
    if (--this.#skip > 0) return true;
    this.#skip = 1 + Math.floor(this.#random() * (2 * SAMPLE - 1));
    this.#add(key);
    return ++this.#samples % CHECK !== 0 || this.#turn(this.#now());
  }

  /** Returns the hottest keys, the hottest first. */
  top(limit: number): KeyRate[] {
    const now = this.#now();
    this.#askedAtMs = now;
    this.#turn(now);
    const seconds = Math.max(1, now - this.#previousAtMs) / 1000;
    const counts = new Map(this.#previous);
    for (const [key, count] of this.#counts) counts.set(key, (counts.get(key) ?? 0) + count);
    return [...counts]
      .sort(([, a], [, b]) => b - a)
      .slice(0, limit)
      .map(([key, count]) => ({ key, perSecond: count * SAMPLE / seconds }));
  }

  #add(key: string): void {
    const count = this.#counts.get(key);
    if (count !== undefined || this.#counts.size < MAX_KEYS) {
      this.#counts.set(key, (count ?? 0) + 1);
      return;
    }
    // Each loses one, of what it won before: so this costs no more than winning it did.
    for (const [other, count] of this.#counts) {
      if (count === 1) this.#counts.delete(other);
      else this.#counts.set(other, count - 1);
    }
  }

  #turn(nowMs: number): boolean {
    if (nowMs - this.#startedAtMs >= WINDOW_MS) {
      this.#previous = this.#counts;
      this.#previousAtMs = this.#startedAtMs;
      this.#counts = new Map();
      this.#startedAtMs = nowMs;
    }
    return nowMs - this.#askedAtMs < INTEREST_MS;
  }
}
