/** One get in so many is looked at. */
const SAMPLE = 16;
/** So many keys are counted at a time: the hottest are certain to be among them. */
const MAX_KEYS = 128;
/** Rates are those of one to two of these. */
const WINDOW_MS = 5000;
/** Nothing is counted once nobody has asked for this long. */
const INTEREST_MS = 30_000;
/** After so many samples the clock is looked at. */
const CHECK = 256;

interface Count {
  /** Samples, never too few. */
  count: number;
  /** By how many they may be too many. */
  error: number;
}

/** A key and how often it is asked for, as estimated. */
export interface KeyRate {
  readonly key: string;
  readonly perSecond: number;
}

/**
 * Finds the keys that are asked for most, from a sample, while somebody wants to know: by the
 * Space-Saving algorithm (Metwally, Agrawal and El Abbadi, 2005), in two windows that take turns.
 */
export class KeySampler {
  #samples = 0;
  /** Gets to pass over; drawn anew each time, so that no rhythm of the callers is met. */
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

  /** Counts a get. Returns false once nobody wants to know any more. */
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
      // What it may have inherited is left out, so that rates are never too high.
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
      // The rarest makes room, and hands its count on: so no key is ever counted too low.
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
