import type { Calm } from "../calm.ts";
import { type Change, type History, isOlder, type Observed, type Read } from "../history.ts";
import type { Report, RuleName } from "./rule.ts";

/**
 * After so long without trouble, in milliseconds, all who are there have heard of all changes:
 * probes and retries come every 3 seconds at the least.
 */
export const GRACE_MS = 15_000;

/** How a {@linkcode Staleness} is made. */
export interface StalenessOptions {
  readonly history: History;
  readonly calm: Calm;
  /** Whether a URL is on the list that processes are to have. */
  readonly isListed: (url: string) => boolean;
  /** All processes that have ever been there. */
  readonly processes: readonly Observed[];
  readonly report: Report;
}

/**
 * Rule 1, and what follows from rule 2: once a change has resolved, no `get` that begins then brings
 * what was there before the change began.
 *
 * It binds a process at once if the caller of the change knew of it all the time, or if it started
 * after the change: then whatever it has of old it got from somebody who should not have given it.
 * Others are bound once nothing has been wrong for {@linkcode GRACE_MS}; so are all of them by a
 * change that rejected, for as long as its caller is there to tell them.
 */
export class Staleness {
  #options: StalenessOptions;

  constructor(options: StalenessOptions) {
    this.#options = options;
  }

  check(read: Read): void {
    const { history, isListed, report } = this.#options;
    if (!isListed(read.by.url) || !read.by.isUp) return;
    for (const change of history.changesOf(read.group, read.key)) {
      if (change.ended === undefined || change.ended.order > read.began.order) continue;
      if (!isOlder(read.value, change)) continue;
      const rule = this.#broken(read, change);
      if (rule !== undefined) return report({ rule, key: read.key, what: tell(read, change) });
    }
  }

  #broken(read: Read, change: Change): RuleName | undefined {
    const { calm } = this.#options;
    const { by } = read;
    const end = change.ended?.order ?? Infinity;
    const isCalm = calm.forMs >= GRACE_MS;
    if (change.outcome === "resolved") {
      const wasThere = by.started.order < change.began.order;
      const isNew = by.started.order > end;
      if (
        isNew && this.#canHear(by, change) || wasThere && change.knewThroughout.includes(by.url)
      ) {
        const sinceMs = change.began.atMs;
        return calm.forMs >= read.ended.atMs - sinceMs ? "stale" : "stale while moving";
      }
      return isCalm && this.#canHear(by, change) ? "stale after return" : undefined;
    }
    if (change.outcome === "peer-failed" && change.by.isUp && isCalm) return "stale after failure";
    return undefined;
  }

  /** Whether somebody who knows of a change is there to tell a process. */
  #canHear(by: Observed, { by: caller, reached, ended }: Change): boolean {
    return this.#options.processes.some(({ isUp, url, started }) =>
      isUp && by.peers.includes(url) &&
      (url === caller.url || reached.has(url)) && started.order < (ended?.order ?? 0)
    );
  }
}

function tell({ by, kind, key, value, began }: Read, change: Change): string {
  const origin = value.setBy === undefined ? "loaded" : "set";
  return `${by.name}'s ${kind} of ${key}, begun at ${began.atMs.toFixed(2)}, brought value ` +
    `${value.id}, ${origin} by ${value.by} from ${value.began.atMs.toFixed(2)} on: ` +
    `${change.by.name}'s ${change.kind} lasted from ${change.began.atMs.toFixed(2)} to ` +
    `${change.ended?.atMs.toFixed(2)} (${change.outcome})` + change.whoMissedIt;
}
