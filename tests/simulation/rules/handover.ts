import type { Calm } from "../calm.ts";
import type { History, Instant, Value } from "../history.ts";
import type { Report } from "./rule.ts";

/** What a process held when it began to leave. */
interface Legacy {
  readonly by: string;
  readonly from: Instant;
  readonly drainMs: number;
  /** When it had closed, in milliseconds. */
  closedMs: number | undefined;
  /** Values by group and key. */
  readonly values: ReadonlyMap<string, Value>;
}

/** How a {@linkcode Handover} is made. */
export interface HandoverOptions {
  readonly history: History;
  readonly calm: Calm;
  /** How long it takes at most to hand over if all messages are slow, in milliseconds. */
  readonly neededMs: number;
  readonly report: Report;
}

/**
 * A process that drains hands over what it has: where nothing was ever wrong, none of that is loaded
 * again, unless it was changed or has ended, or the deadline of the drain came first.
 */
export class Handover {
  #options: HandoverOptions;
  #legacies: Legacy[] = [];
  #isOff = false;

  constructor(options: HandoverOptions) {
    this.#options = options;
  }

  /** From now on nobody can say who is to have what: processes come, or leave while others do. */
  turnOff(): void {
    this.#isOff = true;
  }

  /** A process begins to drain. */
  leaves(by: string, values: readonly Value[], drainMs: number): void {
    const entries = values.map((value) => [`${value.group} ${value.key}`, value] as const);
    const from = this.#options.history.instant();
    this.#legacies.push({ by, from, drainMs, closedMs: undefined, values: new Map(entries) });
  }

  /** A process has closed. */
  closed(by: string): void {
    const { atMs } = this.#options.history.instant();
    for (const legacy of this.#legacies) if (legacy.by === by) legacy.closedMs ??= atMs;
  }

  /** A load begins. */
  check(load: Value): void {
    const { history, calm, report } = this.#options;
    if (calm.hasBeenFault || this.#isOff) return;
    const name = `${load.group} ${load.key}`;
    for (const legacy of this.#legacies) {
      const { by, from, values } = legacy;
      const value = values.get(name);
      if (value === undefined || value.ttlMs < Infinity || this.#isCutShort(legacy)) continue;
      const changes = history.changesOf(load.group, load.key);
      // One that failed is told to those who have not heard of it whenever they are asked.
      const isChanged = changes.some(({ began, ended, outcome }) =>
        began.order > from.order || ended === undefined || ended.order > value.began.order ||
        outcome !== "resolved"
      );
      if (isChanged) continue;
      report({
        rule: "loaded again",
        key: load.key,
        what:
          `${load.by} loads ${load.key}, of which ${by} had value ${value.id} when it left at ` +
          `${from.atMs.toFixed(2)}`,
      });
      return;
    }
  }

  /** Whether a drain ended at its deadline, which was too soon for slow messages. */
  #isCutShort({ from, drainMs, closedMs }: Legacy): boolean {
    if (closedMs === undefined || drainMs >= this.#options.neededMs) return false;
    return closedMs - from.atMs >= drainMs;
  }
}
