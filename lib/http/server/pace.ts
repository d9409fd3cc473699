import { type Clock, inNextTurn, inOneMillisecond } from "../../timing/clock.ts";

/** The size of a piece, and of one beside small answers, in bytes. */
const PIECE_BYTES = 64 * 1024;
const SMALL_PIECE_BYTES = 32 * 1024;

/**
 * Lets small answers through between the pieces of large values. If nothing small was answered since the
 * last piece, the next one is sent in the next turn of the event loop. Otherwise it is smaller, and waits for
 * a millisecond, and with it those of all other values: a small piece takes a process about a twentieth of
 * that, so each value gets its share however many there are.
 */
export class Pace {
  #clock: Clock;
  /** The pieces to be sent, in order. */
  #waiting: ((bytes: number) => void)[] = [];
  #isScheduled = false;
  #hasAnswered = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Records that something small was answered. */
  answered(): void {
    this.#hasAnswered = true;
  }

  /** Resolves when the next piece may be sent, to its size in bytes. */
  turn(): Promise<number> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    if (this.#hasAnswered) inOneMillisecond(this.#clock, this.#sendAll);
    else inNextTurn(this.#clock, this.#sendOne);
    this.#hasAnswered = false;
  }

  #sendOne = (): void => {
    this.#isScheduled = false;
    this.#waiting.shift()?.(PIECE_BYTES);
    if (this.#waiting.length > 0) this.#schedule();
  };

  #sendAll = (): void => {
    this.#isScheduled = false;
    for (const send of this.#waiting.splice(0)) send(SMALL_PIECE_BYTES);
  };
}
