import type { Clock } from "../../timing/clock.ts";

/** What a body that makes no progress is given, in milliseconds. */
const GRACE_MS = 10_000;
/** One that comes or goes more slowly is not that of a peer. */
const MIN_BYTES_PER_MS = 16;

/**
 * Ends a body that makes no progress: one that stands still for 10 seconds, or that has taken longer
 * than its bytes would at 16 KB a second. There is one timer, however many parts there are.
 */
export class Progress {
  #clock: Clock;
  #onOver: () => void;
  #endsAtMs: number;
  #timer: unknown;
  #isOver = false;

  /** @param onOver Called when the body is to be ended. */
  constructor(clock: Clock, onOver: () => void) {
    this.#clock = clock;
    this.#onOver = onOver;
    this.#endsAtMs = clock.now() + GRACE_MS;
    this.#watch();
  }

  /** Whether the body was too slow. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Records bytes that have passed. */
  passed(bytes: number): void {
    // One that has been quick so far may stand still for no longer than another.
    const latestMs = this.#clock.now() + GRACE_MS;
    this.#endsAtMs = Math.min(this.#endsAtMs + bytes / MIN_BYTES_PER_MS, latestMs);
  }

  /** Stops watching. */
  end(): void {
    this.#clock.clearTimeout(this.#timer);
  }

  #watch(): void {
    this.#timer = this.#clock.setTimeout(() => {
      if (this.#clock.now() < this.#endsAtMs) return this.#watch();
      this.#isOver = true;
      this.#onOver();
    }, this.#endsAtMs - this.#clock.now());
  }
}
