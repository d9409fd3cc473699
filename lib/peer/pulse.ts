/** A peer that has not shown yet how fast it is has this much patience given, in milliseconds. */
const FIRST_LIMIT_MS = 3000;
/** However fast a peer is, collectors and schedulers make it pause. */
const MIN_LIMIT_MS = 1000;
/** How much longer than its slowest recent answer a peer's silence may last. */
const FACTOR = 8;
/** In this time a slow answer counts half. */
const HALF_LIFE_MS = 10_000;

/**
 * What a peer's signs of life say about how long its silence may last. One that has answered within
 * milliseconds is dead after a second; one whose loader keeps its processor busy may take longer, as
 * it has before.
 *
 * After the idea of accrual failure detectors, of Hayashibara, Défago, Yared and Katayama (2004), in
 * a simpler form.
 */
export class Pulse {
  /** Whether the longest silence is always allowed: the peer gives no signs of life while it loads. */
  isSteady = false;
  #maxLimitMs: number;
  #slowestMs = FIRST_LIMIT_MS / FACTOR;
  #heardAtMs = -Infinity;
  #lateAtMs = -Infinity;

  /** @param maxLimitMs The longest silence that may pass for life. */
  constructor(maxLimitMs: number) {
    this.#maxLimitMs = maxLimitMs;
  }

  /** How long the peer may be silent, in milliseconds. */
  get limitMs(): number {
    if (this.isSteady) return this.#maxLimitMs;
    return Math.min(this.#maxLimitMs, Math.max(MIN_LIMIT_MS, FACTOR * this.#slowestMs));
  }

  /** Whether it was late for something and has not been heard since. */
  get isLate(): boolean {
    return this.#lateAtMs > this.#heardAtMs;
  }

  /** Takes note of an answer to what was asked at `askedAtMs`. */
  answered(askedAtMs: number, nowMs: number): void {
    const elapsedMs = this.#heardAtMs === -Infinity ? 0 : Math.max(0, nowMs - this.#heardAtMs);
    const slowestMs = this.#slowestMs * 2 ** -(elapsedMs / HALF_LIFE_MS);
    this.#slowestMs = Math.max(nowMs - askedAtMs, slowestMs);
    this.#heardAtMs = nowMs;
  }

  /** Takes note of a sign of life on the way to an answer. */
  heard(nowMs: number): void {
    this.#heardAtMs = nowMs;
  }

  /** Takes note that something was not answered in time. */
  late(nowMs: number): void {
    this.#lateAtMs = nowMs;
  }

  /** Whether nothing was heard for as long as may be, since `askedAtMs` at the earliest. */
  isSilent(askedAtMs: number, nowMs: number): boolean {
    if (nowMs - Math.max(askedAtMs, this.#heardAtMs) < this.limitMs) return false;
    // It may have been busy after all: it gets more time when it is back.
    this.#slowestMs = 2 * this.limitMs / FACTOR;
    return !this.isSteady;
  }
}
