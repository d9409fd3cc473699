// deno-lint-ignore-file no-non-null-assertion -- indices are those that add() returned

/** What a decoded value takes beyond what its codec says; an estimate. */
const OVERHEAD_BYTES = 32;

/** How far the hand moves in one call. */
const TRIM_STEPS = 64;

/**
 * Decoded values, each under a small id that its entry stores. An id lives as long as its entry,
 * but its value may go earlier, the least recently used first. That is approximated by a clock: a
 * hand moves round, and spares once each value that was read since the hand last passed.
 */
export class DecodedValues {
  #values: unknown[] = [undefined];
  #bytes: number[] = [0];
  /** 1 for each value read since the hand passed; bytes, so that hits stay within few cache lines. */
  #isRecent = new Uint8Array(64);
  #freeIds: number[] = [];
  #hand = 0;
  /** Memory taken, in bytes. */
  bytes = 0;

  /** Stores a value and returns its id, which is never 0. */
  add(value: unknown, bytes: number): number {
    const id = this.#freeIds.pop() ?? this.#values.length;
    this.bytes += OVERHEAD_BYTES + bytes;
    this.#values[id] = value;
    this.#bytes[id] = bytes;
    if (id >= this.#isRecent.length) {
      const recent = new Uint8Array(2 * id);
      recent.set(this.#isRecent);
      this.#isRecent = recent;
    }
    this.#isRecent[id] = 0;
    return id;
  }

  /** Replaces the value of an id. */
  replace(id: number, value: unknown, bytes: number): void {
    this.bytes += bytes - this.#bytes[id]!;
    this.#values[id] = value;
    this.#bytes[id] = bytes;
  }

  /** Returns the value of an id, or `undefined` if it was dropped. */
  get(id: number): unknown {
    this.#isRecent[id] = 1;
    return this.#values[id];
  }

  /** Drops a value and frees its id. */
  remove(id: number): void {
    this.replace(id, undefined, 0);
    this.bytes -= OVERHEAD_BYTES;
    this.#freeIds.push(id);
  }

  /** Drops some of the least recently used values if all together take more than `maxBytes`. */
  trim(maxBytes: number): void {
    for (let left = TRIM_STEPS; left > 0 && this.bytes > maxBytes; left--) {
      this.#hand = this.#hand + 1 < this.#values.length ? this.#hand + 1 : 0;
      if (this.#isRecent[this.#hand]! === 1) this.#isRecent[this.#hand] = 0;
      else this.replace(this.#hand, undefined, 0);
    }
  }

  clear(): void {
    this.#values = [undefined];
    this.#bytes = [0];
    this.#isRecent = new Uint8Array(64);
    this.#freeIds = [];
    this.#hand = 0;
    this.bytes = 0;
  }
}
