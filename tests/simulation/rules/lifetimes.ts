import type { Read, Value } from "../history.ts";
import type { Report } from "./rule.ts";

/** How a {@linkcode Lifetimes} is made. */
export interface LifetimesOptions {
  /**
   * By how much clocks may make a value live longer, in milliseconds: as much as any two of them
   * have ever differed, and what a request that nobody waits for any more takes to end.
   */
  readonly allowanceMs: () => number;
  readonly report: Report;
}

/**
 * Every path keeps a value's time to live: none is served to a call that began after its end. A value that
 * was set may live longer by as long as the message that set it was under way.
 */
export class Lifetimes {
  #options: LifetimesOptions;

  constructor(options: LifetimesOptions) {
    this.#options = options;
  }

  check({ kind, key, by, sinceMs, value }: Read): void {
    const { allowanceMs, report } = this.#options;
    // What a flight brings was there when it began.
    const overdueMs = sinceMs - endOf(value);
    const allowedMs = allowanceMs() + value.lateMs;
    if (overdueMs <= allowedMs) return;
    report({
      rule: "expired",
      key,
      what: `${by.name}'s ${kind} of ${key} brought value ${value.id}, which had ended ` +
        `${overdueMs.toFixed(0)} ms before: at most ${allowedMs.toFixed(0)} are allowed`,
    });
  }
}

function endOf({ ended, ttlMs }: Value): number {
  return (ended?.atMs ?? Infinity) + ttlMs;
}
