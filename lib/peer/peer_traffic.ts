import { percentileMs } from "../stats/latency_histogram.ts";
import { RecentLatencies } from "../stats/recent_latencies.ts";
import type { PeerStats } from "../stats.ts";
import { type Clock, stopwatchOf } from "../timing/clock.ts";

/** What a peer was asked for, and how long its answers took. */
export class PeerTraffic {
  /** Gets that it was asked for. */
  calls = 0;
  /** Those of them that it could not be asked for. */
  failures = 0;
  #stopwatch: () => number;
  #latencies: RecentLatencies;

  constructor(clock: Clock) {
    this.#stopwatch = stopwatchOf(clock);
    this.#latencies = new RecentLatencies(this.#stopwatch());
  }

  /** Records how long an answer took. */
  record(ms: number): void {
    this.#latencies.record(ms, this.#stopwatch());
  }

  /** What was counted so far. */
  stats(): Pick<PeerStats, "calls" | "failures" | "p50Ms" | "p99Ms"> {
    const latencies = this.#latencies.stats(this.#stopwatch());
    return {
      calls: this.calls,
      failures: this.failures,
      p50Ms: percentileMs(latencies, 0.5) ?? null,
      p99Ms: percentileMs(latencies, 0.99) ?? null,
    };
  }
}
