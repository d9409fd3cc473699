import { type Clock, inNextTurn, inOneMillisecond } from "../../timing/clock.ts";

/**
 * Lets small answers through between the pieces of large values, of which one is sent at a time: in the next
 * turn of the event loop, or after a millisecond if anything small was answered since the piece before. A
 * piece takes both processes about a tenth of that.
 */
export class Pace {
  #clock: Clock;
  /** The pieces to be sent, in order. */
  #waiting: (() => void)[] = [];
  #isScheduled = false;
  #hasAnswered = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Records that something small was answered. */
  answered(): void {
    this.#hasAnswered = true;
  }

  /** Resolves when the next piece may be sent. */
  turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    if (this.#hasAnswered) inOneMillisecond(this.#clock, this.#next);
    else inNextTurn(this.#clock, this.#next);
    this.#hasAnswered = false;
  }

  #next = (): void => {
    this.#isScheduled = false;
    this.#waiting.shift()?.();
    if (this.#waiting.length > 0) this.#schedule();
  };
}
