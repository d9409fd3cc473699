import type { Gap, Reset } from "../wire/change_update.ts";
import type { ChangeLog } from "./change_log.ts";

/** How many other processes have their gaps remembered. */
const MAX_GAPS = 256;

/**
 * The changes that nobody can name any more to a process that has missed them: those that the log of
 * this process has forgotten, and those for which this process had to drop everything itself. Whoever
 * may have missed some has to drop everything before a value is accepted from it, as this process would
 * hold it as one that is older than none of them.
 */
export class Gaps {
  readonly #origin: string;
  readonly #log: ChangeLog;
  readonly #maxGaps: number;
  /** How much each process had forgotten of which this process has heard, by instance id. */
  readonly #sizes = new Map<string, number>();
  #evicted = 0;
  #count = 0;

  constructor({ origin, log, maxGaps = MAX_GAPS }: GapsOptions) {
    this.#origin = origin;
    this.#log = log;
    this.#maxGaps = maxGaps;
  }

  /** How often this process has had to drop everything. */
  get count(): number {
    return this.#count;
  }

  /** All gaps that this process knows of, its own included. */
  get all(): Gap[] {
    const all = [...this.#sizes].map(([origin, size]) => ({ origin, size }));
    // What was evicted is in there too, so that whoever has not heard of this has to drop everything.
    const size = this.#log.start + this.#evicted;
    return size === 0 ? all : [{ origin: this.#origin, size }, ...all];
  }

  /**
   * Records gaps that a peer tells of. Returns whether this process may have missed something in there: if
   * not, it has dropped everything for the same reason before, told by another one.
   */
  learn({ gaps }: Reset): boolean {
    const fresh = gaps.filter(({ origin, size }) =>
      origin !== this.#origin && size > (this.#sizes.get(origin) ?? 0)
    );
    if (fresh.length === 0) return false;
    this.#count++;
    for (const { origin, size } of fresh) {
      // Moved to the end, so that those that were not heard of for longest are in front.
      this.#sizes.delete(origin);
      this.#sizes.set(origin, size);
    }
    for (const [oldest] of this.#sizes) {
      if (this.#sizes.size <= this.#maxGaps) break;
      this.#sizes.delete(oldest);
      this.#evicted++;
    }
    return true;
  }
}

/** Options for {@linkcode Gaps}. */
export interface GapsOptions {
  /** The instance id of this process. */
  origin: string;
  log: ChangeLog;
  /**
   * How many other processes have their gaps remembered.
   *
   * @default 256
   */
  maxGaps?: number;
}
