import type { Clock } from "../../timing/clock.ts";
import { MIN_BYTES_PER_MS } from "../peer_limits.ts";

/** How long a body may make no progress, in milliseconds. */
const GRACE_MS = 10_000;

/**
 * Ends a body that makes no progress: that stalls for 10 seconds, or is slower than 16 KB a second on the
 * whole. It uses a single timer, however many chunks there are.
 */
export class Progress {
  #clock: Clock;
  #onOver: () => void;
  #endsAtMs: number;
  #timer: unknown;
  #isOver = false;

  /** @param onOver Called to end the body. */
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

  /** Records transferred bytes. */
  passed(bytes: number): void {
    // A body that was fast so far may not stall for longer than others.
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
