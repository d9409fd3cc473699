import { LATENCY_BOUNDS_MS, LatencyHistogram, type LatencyStats } from "./latency_histogram.ts";

/** What is older than one to two of these no longer counts. */
const WINDOW_MS = 30_000;

const NONE: LatencyStats = {
  count: 0,
  sumMs: 0,
  buckets: Array.from({ length: LATENCY_BOUNDS_MS.length + 1 }, () => 0),
};

/** How long something has taken of late: in the last 30 to 60 seconds. */
export class RecentLatencies {
  #current = new LatencyHistogram();
  #previous = NONE;
  #startedAtMs: number;

  /** @param nowMs Unix milliseconds, as below. */
  constructor(nowMs: number) {
    this.#startedAtMs = nowMs;
  }

  /** Records one time. */
  record(ms: number, nowMs: number): void {
    this.#turn(nowMs);
    this.#current.record(ms);
  }

  /** What was recorded of late. */
  stats(nowMs: number): LatencyStats {
    this.#turn(nowMs);
    const current = this.#current.stats();
    return {
      count: current.count + this.#previous.count,
      sumMs: current.sumMs + this.#previous.sumMs,
      buckets: current.buckets.map((count, index) =>
        count + (this.#previous.buckets[index] as number)
      ),
    };
  }

  #turn(nowMs: number): void {
    const ageMs = nowMs - this.#startedAtMs;
    // Below zero the clock was set back.
    if (ageMs >= 0 && ageMs < WINDOW_MS) return;
    this.#previous = ageMs >= 0 && ageMs < 2 * WINDOW_MS ? this.#current.stats() : NONE;
    this.#current = new LatencyHistogram();
    this.#startedAtMs = nowMs;
  }
}
