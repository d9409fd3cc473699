import type { Clock } from "./clock.ts";

/**
 * A clock that never goes back: it compensates for steps back of the underlying clock, such as corrections
 * of the system's time. Otherwise timeouts, pauses and times to live would last longer by the step.
 *
 * Steps forward pass through: what expires too early is requested or loaded again.
 */
export class SteadyClock implements Clock {
  readonly #clock: Clock;
  /** The sum of all steps back, in milliseconds. */
  #behindMs = 0;
  #lastMs = -Infinity;
  readonly elapsed?: () => number;
  readonly unrefTimer?: (timer: unknown) => void;
  readonly nextTurn?: (callback: () => void) => void;

  constructor(clock: Clock) {
    this.#clock = clock;
    if (clock.elapsed !== undefined) this.elapsed = () => clock.elapsed?.() ?? 0;
    if (clock.nextTurn !== undefined) this.nextTurn = (callback) => clock.nextTurn?.(callback);
    if (clock.unrefTimer !== undefined) this.unrefTimer = (timer) => clock.unrefTimer?.(timer);
  }

  unixNow(): number {
    return this.#clock.now();
  }

  now(): number {
    const nowMs = this.#clock.now() + this.#behindMs;
    if (nowMs >= this.#lastMs) return this.#lastMs = nowMs;
    this.#behindMs += this.#lastMs - nowMs;
    return this.#lastMs;
  }

  setTimeout(callback: () => void, delayMs: number): unknown {
    return this.#clock.setTimeout(callback, delayMs);
  }

  clearTimeout(timer: unknown): void {
    this.#clock.clearTimeout(timer);
  }
}
