import type { Clock } from "../timing/clock.ts";
import type { GroupCacheError } from "../errors.ts";

/** This many failures in a row open the breaker ... */
const FAILURES_IN_A_ROW = 5;
/** ... and so do this many among the last {@linkcode OUTCOMES}. */
const FAILURES = 10;
const OUTCOMES = 20;

const FIRST_PAUSE_MS = 500;
/** A peer that is back is used again after at most this and a probe. */
const MAX_PAUSE_MS = 3000;
/** For a peer that was up for less than this, pauses keep growing. */
const STEADY_MS = 30_000;

/**
 * Stops calls to a peer that does not answer them. Closed, it lets calls through and counts their
 * failures. Open, it lets none through for a while. Then, half open, it sends a probe, so that no
 * caller's request is risked.
 *
 * Nothing runs in the background: a probe starts with the first call after the pause.
 */
export class CircuitBreaker {
  #options: CircuitBreakerOptions;
  /** The last outcomes, one bit each, the latest in the lowest bit: 1 is a failure. */
  #outcomes = 0;
  #isOpen = false;
  #isProbing = false;
  #probeAtMs = 0;
  #pauseMs = FIRST_PAUSE_MS;
  #closedAtMs = -Infinity;

  constructor(options: CircuitBreakerOptions) {
    this.#options = options;
  }

  /** Whether the peer is given up. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Whether a call may be made. */
  admits(): boolean {
    if (!this.#isOpen) return true;
    if (!this.#isProbing && this.#options.clock.now() >= this.#probeAtMs) this.#probe();
    return false;
  }

  /** Records a call that was answered. */
  succeeded(): void {
    this.#outcomes <<= 1;
  }

  /** Records a call that failed. */
  failed(error: GroupCacheError): void {
    this.#outcomes = this.#outcomes << 1 | 1;
    const row = (1 << FAILURES_IN_A_ROW) - 1;
    const isOpening = (this.#outcomes & row) === row || this.#failures() >= FAILURES;
    if (isOpening) this.open(error);
  }

  /** Gives the peer up at once. */
  open(error: GroupCacheError): void {
    if (this.#isOpen) return;
    const { clock, onOpen } = this.#options;
    if (clock.now() - this.#closedAtMs >= STEADY_MS) this.#pauseMs = FIRST_PAUSE_MS;
    this.#isOpen = true;
    this.#pause(clock.now());
    onOpen(error);
  }

  /** Lets calls through again. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#outcomes = 0;
    this.#closedAtMs = this.#options.clock.now();
    this.#options.onClose();
  }

  async #probe(): Promise<void> {
    const startMs = this.#options.clock.now();
    this.#isProbing = true;
    const isUp = await this.#options.probe();
    this.#isProbing = false;
    if (isUp) this.close();
    // The time that a failed probe took counts as part of the pause.
    else this.#pause(startMs);
  }

  #pause(fromMs: number): void {
    // Processes that gave the peer up together must not all probe it together.
    this.#probeAtMs = fromMs + this.#pauseMs * (1 + this.#options.random()) / 2;
    this.#pauseMs = Math.min(2 * this.#pauseMs, MAX_PAUSE_MS);
  }

  #failures(): number {
    let count = 0;
    for (let i = 0; i < OUTCOMES; i++) count += this.#outcomes >>> i & 1;
    return count;
  }
}

/** Options for {@linkcode CircuitBreaker}. */
export interface CircuitBreakerOptions {
  clock: Clock;
  /** The source of randomness, as `Math.random`. */
  random: () => number;
  /** Finds out whether the peer can be asked again. One runs at a time; it never rejects. */
  probe: () => Promise<boolean>;
  /** Called when the peer is given up. */
  onOpen: (error: GroupCacheError) => void;
  /** Called when the peer is used again. */
  onClose: () => void;
}
