import type { Read, Value } from "../history.ts";
import type { Report } from "./rule.ts";

/** How a {@linkcode Lifetimes} is made. */
export interface LifetimesOptions {
  /**
   * By how much clocks may make a value live longer, in milliseconds: as much as any two of them
   * have ever differed, and what messages under way add.
   */
  readonly allowanceMs: () => number;
  /** When a process was last frozen or cut off, in milliseconds. */
  readonly troubledMs: (url: string) => number;
  readonly report: Report;
}

/** What was held up with a process, or with its links, may be this late. */
const CATCH_UP_MS = 10_000;

/** Every path keeps a value's time to live: none is served to a call that began after its end. */
export class Lifetimes {
  #options: LifetimesOptions;

  constructor(options: LifetimesOptions) {
    this.#options = options;
  }

  check({ kind, key, by, began, ended, value }: Read): void {
    const { allowanceMs, troubledMs, report } = this.#options;
    const overdueMs = began.atMs - endOf(value);
    if (overdueMs <= allowanceMs() || troubledMs(by.url) > ended.atMs - CATCH_UP_MS) return;
    report({
      rule: "expired",
      key,
      what: `${by.name}'s ${kind} of ${key} brought value ${value.id}, which had ended ` +
        `${overdueMs.toFixed(0)} ms before: at most ${allowanceMs().toFixed(0)} are allowed`,
    });
  }
}

function endOf({ ended, ttlMs }: Value): number {
  return (ended?.atMs ?? Infinity) + ttlMs;
}
