/**
 * How far a number may lag behind the highest one. A sender numbers its changes to all peers in one
 * sequence, and has at most `limits.maxFetches` (128) requests in flight.
 */
const WINDOW = 65_536;
const WORDS = WINDOW / 32;

/**
 * Accepts each number of a sequence once, in any order, with the sliding bitmap of IPsec (RFC 6479), in
 * 8 KiB.
 */
export class ReplayWindow {
  /** A bit for each accepted number, indexed by the number modulo the window. */
  #passed = new Uint32Array(WORDS);
  #highest = 0;

  /** Accepts a number. Returns false if it was accepted before or is too old. */
  pass(sequence: number): boolean {
    if (!Number.isSafeInteger(sequence) || sequence <= 0) return false;
    if (sequence <= this.#highest - WINDOW) return false;
    this.#advance(sequence);
    const word = (sequence >>> 5) % WORDS;
    const bit = 1 << (sequence & 31);
    const bits = this.#passed[word] as number;
    if ((bits & bit) !== 0) return false;
    this.#passed[word] = bits | bit;
    return true;
  }

  /** Clears the numbers that fall out of the window. */
  #advance(sequence: number): void {
    if (sequence <= this.#highest) return;
    if (sequence - this.#highest >= WINDOW) this.#passed.fill(0);
    else {
      for (let number = this.#highest + 1; number <= sequence; number++) {
        const word = (number >>> 5) % WORDS;
        this.#passed[word] = (this.#passed[word] as number) & ~(1 << (number & 31));
      }
    }
    this.#highest = sequence;
  }
}
