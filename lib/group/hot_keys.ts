import { KeyRates } from "./key_rates.ts";

/** The probability of mirroring a value whose owner sends no rate, as in golang/groupcache. */
const BLIND_SHARE = 0.1;
/** The factor by which each eviction of a mirror raises the threshold. */
const RAISE = 1.1;
/** The time in which a raised threshold comes half-way down again. */
const HALF_LIFE_MS = 60_000;

/**
 * Decides which keys are hot enough to mirror. Owners measure how often peers ask for a key, and
 * send the rate with each reply; peers mirror keys above their threshold. When mirrors begin to evict
 * each other the threshold rises, so that colder keys do not displace hotter ones.
 */
export class HotKeys {
  #options: HotKeysOptions;
  /** Created with the first peer request: a process without peers never needs it. */
  #rates: KeyRates | undefined;
  #raisedBy = 1;
  #raisedAtMs: number;

  constructor(options: HotKeysOptions) {
    this.#options = options;
    this.#raisedAtMs = options.nowMs;
  }

  /** Counts a peer request for a key. Returns the key's rate, in requests per minute. */
  count(key: string, nowMs: number): number {
    this.#rates ??= new KeyRates(nowMs);
    return this.#rates.count(key, nowMs);
  }

  /** The rate from which a key is mirrored now, in requests per minute. */
  threshold(nowMs: number): number {
    const decay = 2 ** -(Math.max(0, nowMs - this.#raisedAtMs) / HALF_LIFE_MS);
    return this.#options.minuteQps * (1 + (this.#raisedBy - 1) * decay);
  }

  /** Whether a key of this rate is mirrored at no threshold. It takes no clock to know. */
  isCold(minuteQps: number | undefined): boolean {
    const { minuteQps: least } = this.#options;
    return least === Infinity || minuteQps !== undefined && minuteQps > 0 && minuteQps < least;
  }

  /**
   * Whether to mirror a value just received from its owner.
   *
   * @param minuteQps The rate that the owner sent; 0 or undefined if it sent none, like Go peers.
   */
  shouldMirror(minuteQps: number | undefined, nowMs: number): boolean {
    if (this.isCold(minuteQps)) return false;
    if (!minuteQps) return this.#options.random() < BLIND_SHARE;
    return minuteQps >= this.threshold(nowMs);
  }

  /** Records that a mirror evicted others. */
  evictedMirrors(nowMs: number): void {
    const { minuteQps } = this.#options;
    this.#raisedBy = minuteQps > 0 ? this.threshold(nowMs) / minuteQps * RAISE : 1;
    this.#raisedAtMs = nowMs;
  }
}

/** Options for {@linkcode HotKeys}. */
export interface HotKeysOptions {
  /** The rate from which a key is hot, in peer requests per minute. */
  minuteQps: number;
  /** The source of randomness, as `Math.random`. */
  random: () => number;
  /** Unix milliseconds, as in the methods. */
  nowMs: number;
}
