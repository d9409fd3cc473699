import type { Clock } from "@groupcache/groupcache";
import type { Gate } from "./gate.ts";
import type { Event, Scheduler } from "./scheduler.ts";

/** Where the clocks of all processes stand at first. */
const EPOCH_MS = 1_700_000_000_000;

/** How far a process's clock is off. */
export interface ClockError {
  /** How far ahead of the true time it is, in milliseconds. */
  readonly offsetMs: number;
  /** How many of its milliseconds go by in one: 1 if it is right. */
  readonly rate: number;
}

/**
 * The clock of one process: `now()` is off and may jump, as one that people and daemons set; timers
 * go by a clock that does not.
 */
export class ProcessClock implements Clock {
  #scheduler: Scheduler;
  #gate: Gate;
  #offsetMs: number;
  #rate: number;
  #pending = new Set<Event>();

  constructor(scheduler: Scheduler, gate: Gate, { offsetMs, rate }: ClockError) {
    this.#scheduler = scheduler;
    this.#gate = gate;
    this.#offsetMs = offsetMs;
    this.#rate = rate;
  }

  now(): number {
    // Whole milliseconds, as `Date.now()`.
    return Math.floor(EPOCH_MS + this.#offsetMs + this.#rate * this.#scheduler.nowMs);
  }

  setTimeout(callback: () => void, delayMs: number): unknown {
    // Runtimes wait for a millisecond at least.
    const event = this.#scheduler.after(Math.max(1, delayMs) / this.#rate, () => {
      this.#gate.enter(() => {
        // One that fell due while the process was frozen may have been cleared since.
        if (this.#pending.delete(event)) callback();
      });
    });
    this.#pending.add(event);
    return event;
  }

  /** In a step of its own, so that its order is the scheduler's. */
  nextTurn(callback: () => void): void {
    this.setTimeout(callback, 0);
  }

  clearTimeout(timer: unknown): void {
    if (this.#pending.delete(timer as Event)) this.#scheduler.cancel(timer as Event);
  }

  unrefTimer(): void {}

  /** Sets it forth, or back. */
  jump(byMs: number): void {
    this.#offsetMs += byMs;
  }

  /** How many timers are still to come. */
  get pendingTimers(): number {
    return this.#pending.size;
  }
}
