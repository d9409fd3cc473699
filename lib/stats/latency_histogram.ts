/** Preferred numbers, Renard's series R10: a percentile is off by 27 % at most, mostly by much less. */
const STEPS = [1, 1.25, 1.6, 2, 2.5, 3.15, 4, 5, 6.3, 8];
const FIRST_POWER = -2;
const LAST_POWER = 4;

/**
 * The upper bounds of the buckets of {@linkcode LatencyStats}, in milliseconds, from 10 µs to 80 s.
 * One more bucket holds what is beyond the last.
 */
export const LATENCY_BOUNDS_MS: readonly number[] = Array.from(
  { length: LAST_POWER - FIRST_POWER + 1 },
  (_, index) => STEPS.map((step) => Number(`${step}e${FIRST_POWER + index}`)),
).flat();

/** How long something took, as a histogram; a plain JSON value, whose parts can be added up. */
export interface LatencyStats {
  /** How many times were recorded. */
  count: number;
  /** All of them together, in milliseconds. */
  sumMs: number;
  /**
   * How many took as long as each bucket says, not cumulated. The buckets end at 10 µs, and at
   * 12.5, 16, 20, 25, 31.5, 40, 50, 63, 80 and 100, and so on to 80 s; the last one has no end.
   */
  buckets: number[];
}

/** Counts how long something takes, in 600 bytes. */
export class LatencyHistogram {
  #buckets = new Float64Array(LATENCY_BOUNDS_MS.length + 1);
  #sumMs = 0;

  /** Records one time. */
  record(ms: number): void {
    // A clock that was set back makes times negative.
    if (!(ms > 0)) ms = 0;
    const bucket = bucketOf(ms);
    this.#buckets[bucket] = (this.#buckets[bucket] as number) + 1;
    this.#sumMs += ms;
  }

  /** What was recorded so far. */
  stats(): LatencyStats {
    const buckets = [...this.#buckets];
    return { count: buckets.reduce((sum, count) => sum + count, 0), sumMs: this.#sumMs, buckets };
  }
}

/**
 * The time that a share of all stayed below, in milliseconds, such as the median for 0.5;
 * undefined if there is none. Within a bucket times are taken to be spread evenly.
 */
export function percentileMs({ count, buckets }: LatencyStats, share: number): number | undefined {
  if (!(count > 0)) return undefined;
  let left = share * count;
  for (const [index, inBucket] of buckets.entries()) {
    if (inBucket >= left && inBucket > 0) {
      const start = LATENCY_BOUNDS_MS[index - 1] ?? 0;
      const end = LATENCY_BOUNDS_MS[index] ?? start;
      return start + (end - start) * left / inBucket;
    }
    left -= inBucket;
  }
  return LATENCY_BOUNDS_MS.at(-1);
}

/** The first bucket whose bound is not below `ms`. */
function bucketOf(ms: number): number {
  let low = 0;
  let high = LATENCY_BOUNDS_MS.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((LATENCY_BOUNDS_MS[middle] as number) < ms) low = middle + 1;
    else high = middle;
  }
  return low;
}
