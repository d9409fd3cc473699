/** The limit for a peer that has not been measured yet, in milliseconds. */
const FIRST_LIMIT_MS = 3000;
/** Even a quick peer pauses now and then, for garbage collection and scheduling. */
const MIN_LIMIT_MS = 1000;
/** How many times its longest recent silence a peer may be silent. */
const FACTOR = 4;
/** The time after which a silence counts half. */
const HALF_LIFE_MS = 5000;

/**
 * Derives from a peer's signs of life how long it may be silent. Silence is time in which the peer
 * owed answers and gave none to any request, so a peer with a long queue is not silent. A peer that
 * was never silent for more than milliseconds is dead after a second; one whose loader keeps its
 * processor busy gets more time, in proportion to its past silences.
 *
 * A simple form of the accrual failure detector (Hayashibara, Défago, Yared and Katayama, 2004).
 */
export class FailureDetector {
  /** Whether the maximum always applies, because the peer gives no signs of life while it loads. */
  isSteady = false;
  #maxLimitMs: number;
  #longestMs = FIRST_LIMIT_MS / FACTOR;
  #heardAtMs = -Infinity;
  #lateAtMs = -Infinity;

  /** @param maxLimitMs The longest silence of a live peer, in milliseconds. */
  constructor(maxLimitMs: number) {
    this.#maxLimitMs = maxLimitMs;
  }

  /** How long the peer may be silent, in milliseconds. */
  get limitMs(): number {
    if (this.isSteady) return this.#maxLimitMs;
    const limitMs = Math.max(MIN_LIMIT_MS, Math.ceil(FACTOR * this.#longestMs));
    return Math.min(this.#maxLimitMs, limitMs);
  }

  /** Whether the peer was late, and has been silent since. */
  get isLate(): boolean {
    return this.#lateAtMs > this.#heardAtMs;
  }

  /** Records a sign of life, in reply to what was asked at `askedAtMs`. */
  heard(askedAtMs: number, nowMs: number): void {
    const silentMs = nowMs - Math.max(askedAtMs, this.#heardAtMs);
    const elapsedMs = this.#heardAtMs === -Infinity ? 0 : Math.max(0, nowMs - this.#heardAtMs);
    this.#longestMs = Math.max(silentMs, this.#longestMs * 2 ** -(elapsedMs / HALF_LIFE_MS));
    this.#heardAtMs = nowMs;
  }

  /** Records that something was not answered in time. */
  late(nowMs: number): void {
    this.#lateAtMs = nowMs;
  }

  /** Records that the peer was given up. It may have been busy, so it gets more time when it is back. */
  gaveUp(): void {
    this.#longestMs = 2 * this.limitMs / FACTOR;
  }

  /** Whether the peer has been silent for longer than allowed, counted from `askedAtMs` at most. */
  isSilent(askedAtMs: number, nowMs: number): boolean {
    if (nowMs - Math.max(askedAtMs, this.#heardAtMs) < this.limitMs) return false;
    return !this.isSteady;
  }
}
