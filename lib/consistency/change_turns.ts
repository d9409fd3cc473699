import type { Cancellation } from "../timing/cancellation.ts";

/** A log that remembers fewer changes than this may forget some before all peers know them. */
const MIN_TURNS = 64;

/**
 * How many changes this process makes at a time: if those in flight filled its log, it would forget changes
 * before peers can have been told, and have them drop everything. The others wait for their turn.
 */
export class ChangeTurns {
  #free: number;
  #waiting: Turn[] = [];
  /** How many in front have had their turn. */
  #gone = 0;

  /** @param maxChanges The number of changes in a log. Other processes fill it too. */
  constructor(maxChanges: number) {
    this.#free = Math.max(MIN_TURNS, Math.floor(maxChanges / 8));
  }

  /**
   * Waits for a turn, which the caller must `end`. Returns undefined if there is no need to wait. Rejects with
   * the signal's reason.
   */
  begin(signal: Cancellation): Promise<void> | undefined {
    if (this.#free > 0) {
      this.#free--;
      return undefined;
    }
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        turn.begin = undefined;
        reject(signal.reason);
      };
      const turn: Turn = {
        begin: () => {
          signal.removeEventListener("abort", leave);
          resolve();
        },
      };
      signal.addEventListener("abort", leave, { once: true });
      this.#waiting.push(turn);
    });
  }

  /** Lets the next change begin. */
  end(): void {
    for (;;) {
      const turn = this.#waiting[this.#gone];
      if (turn === undefined) break;
      this.#gone++;
      if (2 * this.#gone > this.#waiting.length) {
        this.#waiting = this.#waiting.slice(this.#gone);
        this.#gone = 0;
      }
      if (turn.begin !== undefined) return turn.begin();
    }
    this.#free++;
  }
}

interface Turn {
  /** Undefined once the caller has left. */
  begin: (() => void) | undefined;
}
