import type { Clock } from "../clock.ts";

/** A timer that comes later than this tells of a pause of this process. */
const LATE_MS = 2;

/** Something that falls due. While it waits it is a link of its queue's chain. */
export abstract class Due {
  /** When that is, in Unix milliseconds. */
  dueAtMs = 0;
  /** The queue in which it waits. */
  queue: DueQueue | undefined;
  before: Due | undefined;
  behind: Due | undefined;

  /** Called when it is due and has been waiting until then. */
  abstract onDue(): void;
}

/**
 * Tells those that wait when they are due. There is one timer for all: on Deno to set and clear one
 * takes 5 µs, as long as much of the rest of a call. So it suits what waits equally long: who comes
 * later is due later, or else is told late.
 */
export class DueQueue {
  #clock: Clock;
  #first: Due | undefined;
  #last: Due | undefined;
  #delayMs = 0;
  #timer: unknown;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Lets something wait that waits nowhere, until `delayMs` milliseconds after `nowMs`. */
  add(due: Due, nowMs: number, delayMs: number): void {
    this.#delayMs = delayMs;
    due.dueAtMs = nowMs + delayMs;
    due.queue = this;
    due.before = this.#last;
    if (this.#last === undefined) this.#first = due;
    else this.#last.behind = due;
    this.#last = due;
    if (this.#timer === undefined) this.#setTimer(this.#onTimer, delayMs);
  }

  /** Forgets something that waits here. */
  remove(due: Due): void {
    this.#unlink(due);
    if (this.#first !== undefined) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #unlink(due: Due): void {
    const { before, behind } = due;
    if (before === undefined) this.#first = behind;
    else before.behind = behind;
    if (behind === undefined) this.#last = before;
    else behind.before = before;
    due.queue = due.before = due.behind = undefined;
  }

  #setTimer(callback: () => void, delayMs: number): void {
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined;
      callback();
    }, delayMs);
  }

  #onTimer = (): void => {
    const lateMs = this.#first === undefined ? 0 : this.#clock.now() - this.#first.dueAtMs;
    // What is waited for may have come during the pause: it is to be read first.
    if (lateMs > LATE_MS) this.#setTimer(this.#tell, 0);
    else this.#tell();
  };

  #tell = (): void => {
    const nowMs = this.#clock.now();
    for (let due = this.#first; due !== undefined && due.dueAtMs <= nowMs; due = this.#first) {
      this.#unlink(due);
      due.onDue();
    }
    if (this.#first === undefined || this.#timer !== undefined) return;
    // Never longer, even if the clock was set back.
    this.#setTimer(this.#onTimer, Math.min(this.#first.dueAtMs - nowMs, this.#delayMs));
  };
}
