/** Seeded randomness, so that a case can be run again. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** Returns an integer of 32 bits: splitmix32. */
  bits(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    let bits = this.#state;
    bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad);
    bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97);
    return (bits ^ (bits >>> 15)) >>> 0;
  }

  /** Returns a number from 0 to less than 1. */
  fraction(): number {
    return this.bits() / 2 ** 32;
  }

  /** Returns an integer from 0 to less than `limit`. */
  below(limit: number): number {
    return Math.floor(this.fraction() * limit);
  }

  /** Returns true once in `times` calls. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  /** Returns an integer from 0 to less than `limit`, small ones more often than large ones. */
  small(limit: number): number {
    return this.below(this.below(limit) + 1);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length }, () => this.bits());
  }
}
