// deno-lint-ignore-file no-non-null-assertion -- indices into typed arrays are in range by construction

const WAYS = 8;
const TAG_BITS = 9;
const TAG_MASK = (1 << TAG_BITS) - 1;

/** The largest tag that a ghost can carry. */
export const MAX_TAG: number = TAG_MASK;

/**
 * Fingerprints of evicted keys: 23 bits of the hash, and 9 bits that mean something only to the
 * eviction policy. They lie in sets of eight, newest first; when a set is full its oldest goes.
 */
export class GhostTable {
  #cells: Int32Array;
  #setMask: number;

  /** @param slots How many ghosts fit, a power of two and at least 8. */
  constructor(slots: number) {
    this.#cells = new Int32Array(slots);
    this.#setMask = slots / WAYS - 1;
  }

  get byteLength(): number {
    return this.#cells.byteLength;
  }

  add(hash: number, tag: number): void {
    const cells = this.#cells;
    const start = (hash & this.#setMask) * WAYS;
    let hole = start;
    while (hole < start + WAYS - 1 && cells[hole]! !== 0) hole++;
    for (; hole > start; hole--) cells[hole] = cells[hole - 1]!;
    cells[start] = hash & ~TAG_MASK | tag;
  }

  /** Removes the newest ghost of a hash and returns its tag, or -1 if there is none. */
  take(hash: number): number {
    const cells = this.#cells;
    const start = (hash & this.#setMask) * WAYS;
    for (let at = start; at < start + WAYS; at++) {
      const cell = cells[at]!;
      if (cell === 0 || (cell ^ hash) >>> TAG_BITS !== 0) continue;
      cells[at] = 0;
      return cell & TAG_MASK;
    }
    return -1;
  }

  /** Doubles or halves the number of slots. */
  resize(slots: number): void {
    const old = this.#cells;
    this.#cells = new Int32Array(slots);
    this.#setMask = slots / WAYS - 1;
    if (slots > old.length) {
      // A fingerprint does not tell which of the two sets it belongs to now, so both get it.
      this.#cells.set(old);
      this.#cells.set(old, old.length);
    } else {
      this.#cells.set(old.subarray(0, slots));
      this.#fillHoles(old.subarray(slots));
    }
  }

  /** Moves the ghosts whose hash has this bit to a table of the same size. */
  split(other: GhostTable, bit: number): void {
    for (let at = 0; at < this.#cells.length; at++) {
      const cell = this.#cells[at]!;
      if ((cell >>> bit & 1) === 0) continue;
      other.#cells[at] = cell;
      this.#cells[at] = 0;
    }
  }

  /** Takes over the ghosts of a table of the same size, as far as there is room. */
  merge(other: GhostTable): void {
    this.#fillHoles(other.#cells);
  }

  #fillHoles(cells: Int32Array): void {
    for (let at = 0; at < this.#cells.length; at++) {
      if (this.#cells[at] === 0) this.#cells[at] = cells[at]!;
    }
  }
}
