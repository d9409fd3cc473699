import { percentile } from "../peers/calls.ts";
import type { Call, Sample } from "./callers.ts";

/** What callers saw. */
export class Traffic {
  readonly failures: Sample["failures"];
  #calls: readonly Call[];

  constructor(samples: readonly Sample[]) {
    this.failures = samples.flatMap(({ failures }) => failures);
    this.#calls = samples.flatMap(({ calls }) => calls);
  }

  /** The number of calls. */
  get gets(): number {
    return this.#calls.length;
  }

  /** The number of calls that ended between two times. */
  endedBetween(fromMs: number, toMs: number): number {
    return this.#calls.filter(([startMs, latencyMs]) => {
      const endMs = startMs + latencyMs;
      return endMs >= fromMs && endMs < toMs;
    }).length;
  }

  /**
   * The latency quantile of the calls in flight between two times. This includes a call that hangs all
   * that time and keeps its caller from making others.
   */
  percentileMs(share: number, fromMs: number, toMs: number): number {
    const calls = this.#calls.filter(([startMs, latencyMs]) =>
      startMs < toMs && startMs + latencyMs >= fromMs
    );
    return percentile(calls.map(([, latencyMs]) => latencyMs), share);
  }
}
