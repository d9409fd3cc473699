// deno-lint-ignore-file no-non-null-assertion -- indices into typed arrays are in range by construction

const WAYS = 8;
const NO_CELLS = new Int32Array(0);
const TAG_BITS = 9;
const TAG_MASK = (1 << TAG_BITS) - 1;

/** The largest tag that a ghost can carry. */
export const MAX_TAG: number = TAG_MASK;

/**
 * Fingerprints of evicted keys: 23 bits of the hash, and 9 bits that mean something only to the
 * eviction policy. They lie in sets of eight, newest first; when a set is full its oldest goes.
 *
 * Nothing is allocated before there is a ghost: a store that is never full has none. All the same
 * `byteLength` counts the whole table, or the first evictions would have to make room for it.
 */
export class GhostTable {
  /** How many ghosts fit, a power of two and at least 8. */
  slots: number;
  #setMask: number;
  #cells = NO_CELLS;

  constructor(slots: number) {
    this.slots = slots;
    this.#setMask = slots / WAYS - 1;
  }

  /** Memory taken or set aside, in bytes. */
  get byteLength(): number {
    return 4 * this.slots;
  }

  add(hash: number, tag: number): void {
    if (this.#cells.length === 0) this.#cells = new Int32Array(this.slots);
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
    if (cells.length === 0) return -1;
    const start = (hash & this.#setMask) * WAYS;
    for (let at = start; at < start + WAYS; at++) {
      const cell = cells[at]!;
      // Nearly all differ in the hash, so that is asked first.
      if ((cell ^ hash) >>> TAG_BITS !== 0 || cell === 0) continue;
      cells[at] = 0;
      return cell & TAG_MASK;
    }
    return -1;
  }

  /** Changes the number of slots. */
  resize(slots: number): void {
    const old = this.#cells;
    this.slots = slots;
    this.#setMask = slots / WAYS - 1;
    if (old.length === 0 || old.length === slots) return;
    this.#cells = new Int32Array(slots);
    // A fingerprint does not tell which of the new sets it belongs to now, so all of them get it.
    for (let at = 0; at < slots; at += old.length) this.#cells.set(old.subarray(0, slots), at);
    for (let at = slots; at < old.length; at += slots) {
      this.#fillHoles(old.subarray(at, at + slots));
    }
  }

  /** Moves the ghosts whose hash has this bit to a table of the same size. */
  split(other: GhostTable, bit: number): void {
    if (this.#cells.length === 0) return;
    other.#cells = new Int32Array(this.slots);
    for (let at = 0; at < this.#cells.length; at++) {
      const cell = this.#cells[at]!;
      if ((cell >>> bit & 1) === 0) continue;
      other.#cells[at] = cell;
      this.#cells[at] = 0;
    }
  }

  /** Takes over the ghosts of a table of the same size, as far as there is room. */
  merge(other: GhostTable): void {
    if (this.#cells.length === 0) this.#cells = other.#cells;
    else this.#fillHoles(other.#cells);
  }

  #fillHoles(cells: Int32Array): void {
    for (let at = 0; at < cells.length; at++) {
      if (this.#cells[at] === 0) this.#cells[at] = cells[at]!;
    }
  }
}
