import { KeyRates } from "./key_rates.ts";

/** How often a value is mirrored whose owner does not say how hot it is, as golang/groupcache does. */
const BLIND_SHARE = 0.1;
/** What a mirror that pushed another out raises the threshold by. */
const RAISE = 1.1;
/** In this time a raised threshold comes half-way down again. */
const HALF_LIFE_MS = 60_000;

/** How a {@linkcode HotKeys} is made. */
export interface HotKeysOptions {
  /** The rate from which a key is hot, in requests of peers per minute. */
  minuteQps: number;
  /** As `Math.random`. */
  random: () => number;
  /** Unix milliseconds, as below. */
  nowMs: number;
}

/**
 * Chooses which keys are hot enough to mirror. Owners count what peers ask for, and say so in their
 * replies; peers mirror what is above their threshold. When mirrors begin to push each other out
 * the threshold rises, so that colder keys stay away from hotter ones.
 */
export class HotKeys {
  #options: HotKeysOptions;
  /** Made with the first request of a peer: a single process never needs it. */
  #rates: KeyRates | undefined;
  #raisedBy = 1;
  #raisedAtMs: number;

  constructor(options: HotKeysOptions) {
    this.#options = options;
    this.#raisedAtMs = options.nowMs;
  }

  /** Counts a request of a peer for a key. Returns the key's rate, in requests per minute. */
  count(key: string, nowMs: number): number {
    this.#rates ??= new KeyRates(nowMs);
    return this.#rates.count(key, nowMs);
  }

  /** The rate from which a key is mirrored now, in requests per minute. */
  threshold(nowMs: number): number {
    const decay = 2 ** -(Math.max(0, nowMs - this.#raisedAtMs) / HALF_LIFE_MS);
    return this.#options.minuteQps * (1 + (this.#raisedBy - 1) * decay);
  }

  /**
   * Whether to mirror a value that has just come from its owner.
   *
   * @param minuteQps What the owner said; 0 or undefined if it does not count, as Go's do not.
   */
  shouldMirror(minuteQps: number | undefined, nowMs: number): boolean {
    if (this.#options.minuteQps === Infinity) return false;
    if (!minuteQps) return this.#options.random() < BLIND_SHARE;
    return minuteQps >= this.threshold(nowMs);
  }

  /** Tells of a mirror that pushed others out. */
  pushedOut(nowMs: number): void {
    const { minuteQps } = this.#options;
    this.#raisedBy = minuteQps > 0 ? this.threshold(nowMs) / minuteQps * RAISE : 1;
    this.#raisedAtMs = nowMs;
  }
}
