/** Renard's series R10 of preferred numbers: a percentile is off by at most 27 %, usually much less. */
const STEPS = [1, 1.25, 1.6, 2, 2.5, 3.15, 4, 5, 6.3, 8];
const FIRST_POWER = -2;
const LAST_POWER = 4;

/**
 * The upper bounds of the buckets of {@linkcode LatencyStats}, in milliseconds, from 10 µs to 80 s.
 * One more bucket holds everything beyond the last.
 */
export const LATENCY_BOUNDS_MS: readonly number[] = Array.from(
  { length: LAST_POWER - FIRST_POWER + 1 },
  (_, index) => STEPS.map((step) => Number(`${step}e${FIRST_POWER + index}`)),
).flat();

/**
 * Latencies as a histogram: a plain JSON value, whose numbers can be added up.
 *
 * @example
 * ```ts
 * import { GroupCache, type LatencyStats } from "@groupcache/groupcache";
 *
 * // Adds the latencies of two processes.
 * const sum = (a: LatencyStats, b: LatencyStats): LatencyStats => ({
 *   count: a.count + b.count,
 *   sumMs: a.sumMs + b.sumMs,
 *   buckets: a.buckets.map((count, index) => count + (b.buckets[index] ?? 0)),
 * });
 *
 * await using cache = new GroupCache();
 * const pages = cache.group("pages", { maxBytes: 1 << 20, load: () => "hello" });
 * const { get, peer } = pages.stats().latencies;
 * console.log(sum(get, peer).count);
 * ```
 */
export interface LatencyStats {
  /** The number of latencies recorded. */
  count: number;
  /** Their sum, in milliseconds. */
  sumMs: number;
  /**
   * The number of latencies in each bucket, not cumulative. The upper bounds are 10, 12.5, 16, 20, 25,
   * 31.5, 40, 50, 63, 80 and 100 µs, and so on up to 80 s; the last bucket is unbounded.
   */
  buckets: number[];
}

/** Counts latencies in 600 bytes. */
export class LatencyHistogram {
  #buckets = new Float64Array(LATENCY_BOUNDS_MS.length + 1);
  #sumMs = 0;

  /** Records a latency. */
  record(ms: number): void {
    // Negative if the clock was set back.
    if (!(ms > 0)) ms = 0;
    const bucket = bucketOf(ms);
    this.#buckets[bucket] = (this.#buckets[bucket] as number) + 1;
    this.#sumMs += ms;
  }

  /** Returns what has been recorded. */
  stats(): LatencyStats {
    const buckets = [...this.#buckets];
    return { count: buckets.reduce((sum, count) => sum + count, 0), sumMs: this.#sumMs, buckets };
  }
}

/**
 * Returns a quantile, such as the median for 0.5, in milliseconds; undefined if nothing was recorded.
 * Latencies are assumed to be evenly distributed within a bucket.
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

/** Returns the first bucket whose bound is not below `ms`. */
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
