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
  #hash = seededHash();

  /** @param nowMs Unix milliseconds, as in `count`. */
  constructor(nowMs: number) {
    this.#weighedAtMs = nowMs;
  }

  /** Counts one use of a key and returns its rate, in uses per minute. */
  count(key: string, nowMs: number): number {
    this.#weigh(nowMs);
    const hash = this.#hash(key);
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

/** The number of characters that have a factor each; the sums are carried over after that many. */
const BLOCK = 32;

/**
 * Makes a hash that nobody outside can predict: nobody can choose keys that share the counters of
 * another one and so make it look hot. It is multilinear, as the store's (see `key_hash.ts`), but
 * reads the characters as they are.
 */
function seededHash(): (key: string) => number {
  const secret = crypto.getRandomValues(new Int32Array(2 * BLOCK + 8));
  const at = (index: number) => secret[index] as number;
  const end = 2 * BLOCK;
  return (key) => {
    let high = Math.imul(key.length, at(end));
    let low = Math.imul(key.length, at(end + 1));
    for (let i = 0, word = 0; i < key.length; i++, word += 2) {
      if (word === end) {
        [high, low] = [
          Math.imul(high >>> 16, at(end + 2)) + Math.imul(low >>> 16, at(end + 3)) + at(end + 4) |
          0,
          Math.imul(high >>> 16, at(end + 5)) + Math.imul(low >>> 16, at(end + 6)) + at(end + 7) |
          0,
        ];
        word = 0;
      }
      const char = key.charCodeAt(i);
      high = high + Math.imul(char, at(word)) | 0;
      low = low + Math.imul(char, at(word + 1)) | 0;
    }
    return high & 0xffff0000 | low >>> 16;
  };
}
