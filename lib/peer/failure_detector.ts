/** What a peer is given that has not shown yet how quick it is, in milliseconds. */
const FIRST_LIMIT_MS = 3000;
/** However quick a peer is, collectors and schedulers make it pause. */
const MIN_LIMIT_MS = 1000;
/** How much longer than its longest recent silence a peer's silence may last. */
const FACTOR = 4;
/** In this time a silence counts half. */
const HALF_LIFE_MS = 5000;

/**
 * What a peer's signs of life say about how long its silence may last. Silence is time in which it
 * owed an answer and gave none, to nobody: so a peer with a long queue is not silent. One that has
 * never been silent for more than milliseconds is dead after a second; one whose loader keeps its
 * processor busy may take longer, as it has before.
 *
 * After the idea of accrual failure detectors, of Hayashibara, Défago, Yared and Katayama (2004), in
 * a simpler form.
 */
export class FailureDetector {
  /** Whether the longest silence is always allowed: the peer gives no signs of life while it loads. */
  isSteady = false;
  #maxLimitMs: number;
  #longestMs = FIRST_LIMIT_MS / FACTOR;
  #heardAtMs = -Infinity;
  #lateAtMs = -Infinity;

  /** @param maxLimitMs The longest silence that may pass for life. */
  constructor(maxLimitMs: number) {
    this.#maxLimitMs = maxLimitMs;
  }

  /** How long the peer may be silent, in milliseconds. */
  get limitMs(): number {
    if (this.isSteady) return this.#maxLimitMs;
    const limitMs = Math.max(MIN_LIMIT_MS, Math.ceil(FACTOR * this.#longestMs));
    return Math.min(this.#maxLimitMs, limitMs);
  }

  /** Whether it was late for something and has not been heard since. */
  get isLate(): boolean {
    return this.#lateAtMs > this.#heardAtMs;
  }

  /** Takes note of a sign of life, on what was asked or last answered at `askedAtMs`. */
  heard(askedAtMs: number, nowMs: number): void {
    const silentMs = nowMs - Math.max(askedAtMs, this.#heardAtMs);
    const elapsedMs = this.#heardAtMs === -Infinity ? 0 : Math.max(0, nowMs - this.#heardAtMs);
    this.#longestMs = Math.max(silentMs, this.#longestMs * 2 ** -(elapsedMs / HALF_LIFE_MS));
    this.#heardAtMs = nowMs;
  }

  /** Takes note that something was not answered in time. */
  late(nowMs: number): void {
    this.#lateAtMs = nowMs;
  }

  /** Takes note that the peer was given up: it may have been busy, and gets more time when it is back. */
  gaveUp(): void {
    this.#longestMs = 2 * this.limitMs / FACTOR;
  }

  /** Whether nothing was heard for as long as may be, since `askedAtMs` at the earliest. */
  isSilent(askedAtMs: number, nowMs: number): boolean {
    if (nowMs - Math.max(askedAtMs, this.#heardAtMs) < this.limitMs) return false;
    return !this.isSteady;
  }
}
