import { fnv1a } from "../placement/fnv.ts";
import type { Change } from "../wire/change.ts";
import type { ChangeLog } from "./change_log.ts";

/**
 * Marks tell peers how much this process has heard of. A peer that sets a value repeats the last one that it
 * knows: what this process has heard since then may be later than the call of `set`, however late its
 * message arrives.
 */
export class Marks {
  readonly #log: ChangeLog;
  readonly #origin: string;
  #renewals = 0;
  /** Says which process gave a mark out: another one may have started at the same URL. */
  #giver: string;

  /** @param origin The instance id of this process. */
  constructor(log: ChangeLog, origin: string) {
    this.#log = log;
    this.#origin = origin;
    this.#giver = this.#newGiver();
  }

  /** What covers all that this process has heard of. */
  get current(): string {
    return `${this.#giver}.${this.#log.end}`;
  }

  /** Makes all marks cover nothing: this process has missed changes, and nobody knows which. */
  renew(): void {
    this.#renewals++;
    this.#giver = this.#newGiver();
  }

  /**
   * Whether this process has heard of no change of the key since it gave a mark out, except of earlier ones
   * by the same process.
   */
  covers(mark: string, { group, key, stamp }: Change): boolean {
    const [giver, text] = mark.split(".");
    const position = Number(text);
    if (giver !== this.#giver || !(position <= this.#log.end)) return false;
    // Among those that were forgotten there may be some of this key.
    if (position < this.#log.start) return false;
    let change = this.#log.last(group, key);
    for (; change !== undefined && change.position > position; change = change.previous) {
      const { origin, time } = change.stamp;
      if (origin !== stamp.origin || time > stamp.time) return false;
    }
    return true;
  }

  #newGiver(): string {
    const text = `${this.#origin} ${this.#renewals}`;
    return fnv1a(new TextEncoder().encode(text)).toString(36);
  }
}
