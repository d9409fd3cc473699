import type { Clock } from "./clock.ts";

/**
 * A clock whose time never goes back: a step back of the clock underneath, as by a correction of
 * the system's time, is made up for from then on. Timeouts, pauses and times to live would last
 * longer by the step otherwise.
 *
 * A step forth passes: what ends too early is asked for or loaded again.
 */
export class SteadyClock implements Clock {
  readonly #clock: Clock;
  /** What the steps back come to, in milliseconds. */
  #behindMs = 0;
  #lastMs = -Infinity;
  readonly elapsed?: () => number;
  readonly unrefTimer?: (timer: unknown) => void;

  constructor(clock: Clock) {
    this.#clock = clock;
    if (clock.elapsed !== undefined) this.elapsed = () => clock.elapsed?.() ?? 0;
    if (clock.unrefTimer !== undefined) this.unrefTimer = (timer) => clock.unrefTimer?.(timer);
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
