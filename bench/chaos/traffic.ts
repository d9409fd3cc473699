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

  /** How many calls there were. */
  get gets(): number {
    return this.#calls.length;
  }

  /** How many calls ended between two times. */
  endedBetween(fromMs: number, toMs: number): number {
    return this.#calls.filter(([startMs, latencyMs]) => {
      const endMs = startMs + latencyMs;
      return endMs >= fromMs && endMs < toMs;
    }).length;
  }

  /**
   * The latency that this share of the calls stayed below of those that were under way between two
   * times. A call that hangs all that time, and keeps its caller from making more, is one of them.
   */
  percentileMs(share: number, fromMs: number, toMs: number): number {
    const calls = this.#calls.filter(([startMs, latencyMs]) =>
      startMs < toMs && startMs + latencyMs >= fromMs
    );
    return percentile(calls.map(([, latencyMs]) => latencyMs), share);
  }
}
