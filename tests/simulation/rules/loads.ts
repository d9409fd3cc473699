import type { Calm } from "../calm.ts";
import type { History, Instant, Value } from "../history.ts";
import type { Report } from "./rule.ts";

/** A run of the loader for one key. */
export interface Load {
  readonly value: Value;
  /** Whether it has ended, or nobody waits for it any more. */
  isOver: boolean;
}

/** How a {@linkcode Loads} is made. */
export interface LoadsOptions {
  readonly history: History;
  readonly calm: Calm;
  /** Whether processes may load a key twice, because they ask a second one when the first is slow. */
  readonly mayHedge: boolean;
  /** Whether a group loads keys together: such a load goes on for others when a key's last caller leaves. */
  readonly loadsTogether: (group: number) => boolean;
  readonly report: Report;
}

/** A change lets a flight begin afresh that looks around for so long before it loads, in milliseconds. */
const PEEKS_MS = 5000;

/** After so long nobody acts on a list of before, in milliseconds. */
const SETTLED_MS = 30_000;

/**
 * One load at a time for a key, while all have one list and nothing has ever been wrong. A change
 * lets a new load begin beside the one that it found. To a process that is told to drop everything,
 * because it may have missed changes that others no longer remember, that is a change of each key.
 */
export class Loads {
  #options: LoadsOptions;
  #underWay = new Map<string, Load[]>();
  /** When a process was last told to drop everything, in milliseconds. */
  #resetMs = new Map<string, number>();

  constructor(options: LoadsOptions) {
    this.#options = options;
  }

  /** A process is told to drop everything. */
  reset(by: string): void {
    this.#resetMs.set(by, this.#options.history.instant().atMs);
  }

  began(value: Value): Load {
    const load: Load = { value, isOver: false };
    const name = `${value.group} ${value.key}`;
    const others = (this.#underWay.get(name) ?? []).filter(({ isOver }) => !isOver);
    this.#underWay.set(name, [...others, load]);
    for (const other of others) this.#check(load, other);
    return load;
  }

  #check({ value }: Load, { value: other }: Load): void {
    const { history, calm, mayHedge, loadsTogether, report } = this.#options;
    if (mayHedge || calm.hasBeenFault || calm.forMs < SETTLED_MS) return;
    if (history.changesOf(value.group, value.key).some(lastsBeyond(other.began))) return;
    if (loadsTogether(value.group) && history.hasLeft(value.group, value.key, other.began)) return;
    const resetMs = this.#resetMs.get(other.by) ?? -Infinity;
    if (value.by === other.by && resetMs > other.began.atMs - PEEKS_MS) return;
    report({
      rule: "two loads",
      key: value.key,
      what: `${value.by} loads ${value.key} while ${other.by} does, since ` +
        `${other.began.atMs.toFixed(2)}`,
    });
  }
}

function lastsBeyond(instant: Instant): (change: { ended: Instant | undefined }) => boolean {
  return ({ ended }) => ended === undefined || ended.atMs > instant.atMs - PEEKS_MS;
}
