// deno-lint-ignore-file no-non-null-assertion -- indices are those that add() gave

/** What a kept value takes beyond what its owner says; estimated. */
const KEPT_OVERHEAD_BYTES = 32;

/** How far the hand goes in one call. */
const TRIM_STEPS = 64;

/**
 * Decoded values, kept beside entries under small numbers which the entries hold. A number lives
 * as long as its entry; its value may be dropped before, those not asked for lately first (a
 * clock: a hand goes round, and passes over once what was used since it last came by).
 */
export class KeptValues {
  #values: unknown[] = [undefined];
  #bytes: number[] = [0];
  /** 1 for those asked for since the hand came by: bytes, because hits should find them near. */
  #isRecent = new Uint8Array(64);
  #free: number[] = [];
  #hand = 0;
  /** Memory taken, in bytes. */
  bytes = 0;

  /** Keeps a value and returns its number, which is never 0. */
  add(value: unknown, bytes: number): number {
    const id = this.#free.pop() ?? this.#values.length;
    this.bytes += KEPT_OVERHEAD_BYTES + bytes;
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

  /** Keeps another value under a number. */
  replace(id: number, value: unknown, bytes: number): void {
    this.bytes += bytes - this.#bytes[id]!;
    this.#values[id] = value;
    this.#bytes[id] = bytes;
  }

  /** The value of a number, or `undefined` if it was dropped. */
  get(id: number): unknown {
    this.#isRecent[id] = 1;
    return this.#values[id];
  }

  /** Ends a number and its value. */
  remove(id: number): void {
    this.replace(id, undefined, 0);
    this.bytes -= KEPT_OVERHEAD_BYTES;
    this.#free.push(id);
  }

  /** Drops some values, the least used first, if more than `maxBytes` are taken by them. */
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
    this.#free = [];
    this.#hand = 0;
    this.bytes = 0;
  }
}
