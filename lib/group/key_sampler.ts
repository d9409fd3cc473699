/** The mean number of gets per sample. */
const SAMPLE = 16;
/** How many keys are counted at a time. The hottest are certain to be among them. */
const MAX_KEYS = 128;
/** The length of a window, in milliseconds: rates cover one to two windows. */
const WINDOW_MS = 5000;
/** Counting stops if the result has not been read for this long, in milliseconds. */
const INTEREST_MS = 30_000;
/** The number of samples between two readings of the clock. */
const CHECK = 256;

interface Count {
  /** The number of samples; possibly too high, never too low. */
  count: number;
  /** By how much the number may be too high. */
  error: number;
}

/** A key and the estimated rate of its requests. */
export interface KeyRate {
  readonly key: string;
  readonly perSecond: number;
}

/**
 * Finds the most requested keys from a sample, for as long as the result is read, with the Space-Saving
 * algorithm (Metwally, Agrawal and El Abbadi, 2005) in two alternating windows.
 */
export class KeySampler {
  #samples = 0;
  /** How many gets to skip: drawn at random each time, so that periodic callers do not skew it. */
  #skip = SAMPLE;
  #random: () => number;
  #counts = new Map<string, Count>();
  #previous = new Map<string, Count>();
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
    for (const [key, { count, error }] of this.#counts) {
      const { count: before = 0, error: unsure = 0 } = this.#previous.get(key) ?? {};
      counts.set(key, { count: count + before, error: error + unsure });
    }
    return [...counts]
      // Without the inherited part, so that rates are never too high.
      .map(([key, { count, error }]): [string, number] => [key, count - error])
      .sort(([, a], [, b]) => b - a)
      .slice(0, limit)
      .map(([key, count]) => ({ key, perSecond: count * SAMPLE / seconds }));
  }

  #add(key: string): void {
    const known = this.#counts.get(key);
    if (known !== undefined) {
      known.count++;
      return;
    }
    let least = 0;
    if (this.#counts.size >= MAX_KEYS) {
      // The rarest key makes room and passes on its count, so no count is ever too low.
      let rarest = key;
      least = Infinity;
      for (const [other, { count }] of this.#counts) {
        if (count < least) [rarest, least] = [other, count];
      }
      this.#counts.delete(rarest);
    }
    this.#counts.set(key, { count: least + 1, error: least });
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
