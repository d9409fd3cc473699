import { LATENCY_BOUNDS_MS, LatencyHistogram, type LatencyStats } from "./latency_histogram.ts";

/** The length of a window, in milliseconds: one to two windows count. */
const WINDOW_MS = 30_000;

const NONE: LatencyStats = {
  count: 0,
  sumMs: 0,
  buckets: Array.from({ length: LATENCY_BOUNDS_MS.length + 1 }, () => 0),
};

/** Recent latencies: those of the last 30 to 60 seconds. */
export class RecentLatencies {
  #current = new LatencyHistogram();
  #previous = NONE;
  #startedAtMs: number;

  /** @param nowMs Milliseconds since any moment, as below. */
  constructor(nowMs: number) {
    this.#startedAtMs = nowMs;
  }

  /** Records a latency. */
  record(ms: number, nowMs: number): void {
    this.#turn(nowMs);
    this.#current.record(ms);
  }

  /** Returns the recent latencies. */
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
    // Negative if the clock was set back.
    if (ageMs >= 0 && ageMs < WINDOW_MS) return;
    this.#previous = ageMs >= 0 && ageMs < 2 * WINDOW_MS ? this.#current.stats() : NONE;
    this.#current = new LatencyHistogram();
    this.#startedAtMs = nowMs;
  }
}
