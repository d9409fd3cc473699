const ROWS = 4;
const COLUMNS = 2048;
const HALF_LIFE_MS = 10_000;
/** A count that halves every half-life settles at rate × half-life / ln 2. */
const PER_MINUTE = 60_000 * Math.LN2 / HALF_LIFE_MS;
/** Instead of halving counts, newer uses weigh more. At this weight all counts are scaled down. */
const MAX_WEIGHT = 2 ** 40;

/**
 * Measures how often each key is asked for, in 64 KiB for any number of keys: a count-min sketch
 * (Cormode and Muthukrishnan, 2005) with conservative update, whose counts decay with a half-life of
 * 10 seconds. An estimate is never too low, and only slightly too high unless most keys are hot.
 */
export class KeyRates {
  #counts = new Float64Array(ROWS * COLUMNS);
  /** The weight of a use now. */
  #weight = 1;
  #weighedAtMs: number;

  /** @param nowMs Unix milliseconds, as in `count`. */
  constructor(nowMs: number) {
    this.#weighedAtMs = nowMs;
  }

  /** Counts one use of a key and returns its rate, in uses per minute. */
  count(key: string, nowMs: number): number {
    this.#weigh(nowMs);
    const hash = hashOf(key);
    const step = Math.imul(hash, 0x9e3779b1) | 1;
    let least = Infinity;
    for (let row = 0, at = hash; row < ROWS; row++, at = (at + step) | 0) {
      least = Math.min(least, this.#counts[placeOf(row, at)] as number);
    }
    const count = least + this.#weight;
    for (let row = 0, at = hash; row < ROWS; row++, at = (at + step) | 0) {
      const place = placeOf(row, at);
      if ((this.#counts[place] as number) < count) this.#counts[place] = count;
    }
    return count / this.#weight * PER_MINUTE;
  }

  #weigh(nowMs: number): void {
    // A clock that was set back must not make old uses weigh more.
    const elapsedMs = Math.max(0, nowMs - this.#weighedAtMs);
    if (elapsedMs < HALF_LIFE_MS / 100) return;
    this.#weighedAtMs = nowMs;
    this.#weight *= 2 ** (elapsedMs / HALF_LIFE_MS);
    if (this.#weight <= MAX_WEIGHT) return;
    const scale = 1 / this.#weight;
    for (let i = 0; i < this.#counts.length; i++) {
      this.#counts[i] = (this.#counts[i] as number) * scale;
    }
    this.#weight = 1;
  }
}

function placeOf(row: number, hash: number): number {
  // The upper bits, which are mixed better in sums of hash and step.
  return row * COLUMNS + (Math.imul(hash ^ (hash >>> 15), 0x85ebca6b) >>> 21);
}

function hashOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) {
    hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  }
  return hash ^ (hash >>> 13);
}
