import type { Clock } from "./clock.ts";

/** Its callbacks run after all microtasks that wait already. */
const endOfTurn = Promise.resolve();

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
  /** What `elapsed` returns for the rest of the turn. */
  #elapsedMs: number | undefined;
  /** The same as those of the underlying clock, if it has them. But a turn has only one elapsed time. */
  readonly elapsed?: () => number;
  readonly unrefTimer?: (timer: unknown) => void;
  readonly nextTurn?: (callback: () => void) => void;

  constructor(clock: Clock) {
    this.#clock = clock;
    if (clock.elapsed !== undefined) this.elapsed = () => this.#elapsedMs ??= this.#readElapsed();
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

  /** Reads the time once for all calls of a turn, in which little time passes: it takes Deno 180 ns. */
  #readElapsed(): number {
    endOfTurn.then(this.#forgetElapsed);
    return this.#clock.elapsed?.() ?? 0;
  }

  #forgetElapsed = (): void => {
    this.#elapsedMs = undefined;
  };

  setTimeout(callback: () => void, delayMs: number): unknown {
    return this.#clock.setTimeout(callback, delayMs);
  }

  clearTimeout(timer: unknown): void {
    this.#clock.clearTimeout(timer);
  }
}
