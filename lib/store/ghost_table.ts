// deno-lint-ignore-file no-non-null-assertion -- indices into typed arrays are in range by construction

const WAYS = 8;
const AGE_MASK = 0xff;

/**
 * Fingerprints of what the small queue dropped: 24 bits of the hash and 8 of the time, in sets of
 * eight of which the oldest goes first. Time is the `epoch` of `GhostClock`.
 */
export class GhostTable {
  #cells: Int32Array;
  #setMask: number;

  /** Makes one for as many as a table of `slots` slots holds. */
  constructor(slots: number) {
    this.#cells = new Int32Array(slots);
    this.#setMask = this.#cells.length / WAYS - 1;
  }

  get byteLength(): number {
    return this.#cells.byteLength;
  }

  add(hash: number, epoch: number): void {
    const cells = this.#cells;
    const start = (hash & this.#setMask) * WAYS;
    let oldest = start;
    let age = -1;
    for (let at = start; at < start + WAYS; at++) {
      if (cells[at] === 0) {
        oldest = at;
        break;
      }
      const cellAge = epoch - cells[at]! & AGE_MASK;
      if (cellAge > age) {
        age = cellAge;
        oldest = at;
      }
    }
    cells[oldest] = hash & ~AGE_MASK | epoch;
  }

  /** Whether the hash was added within the last `window` epochs; it is then forgotten. */
  take(hash: number, epoch: number, window: number): boolean {
    const cells = this.#cells;
    const start = (hash & this.#setMask) * WAYS;
    for (let at = start; at < start + WAYS; at++) {
      const cell = cells[at]!;
      if (cell === 0 || (cell ^ hash) >>> 8 !== 0) continue;
      if ((epoch - cell & AGE_MASK) > window) continue;
      cells[at] = 0;
      return true;
    }
    return false;
  }

  /** Forgets everything: only small tables change their size, and before they evict much. */
  resize(slots: number): void {
    this.#cells = new Int32Array(slots);
    this.#setMask = this.#cells.length / WAYS - 1;
  }

  /** Hands those whose hash has this bit over to a table of the same size. */
  split(other: GhostTable, bit: number): void {
    for (let at = 0; at < this.#cells.length; at++) {
      const cell = this.#cells[at]!;
      if ((cell >>> bit & 1) === 0) continue;
      other.#cells[at] = cell;
      this.#cells[at] = 0;
    }
  }

  /** Takes in what a table of the same size holds, as far as there is room. */
  merge(other: GhostTable): void {
    for (let at = 0; at < this.#cells.length; at++) {
      if (this.#cells[at] === 0) this.#cells[at] = other.#cells[at]!;
    }
  }
}

/** Epochs that the ghosts of a full window span. */
const WINDOW_EPOCHS = 128;

/**
 * The time of ghosts, which passes as entries are dropped: a ghost is remembered until as many
 * were dropped after it as the main queue holds entries.
 */
export class GhostClock {
  epoch = 0;
  window: number = WINDOW_EPOCHS;
  #added = 0;

  tick(mainItems: number): void {
    this.window = Math.min(WINDOW_EPOCHS, Math.max(mainItems, 1));
    if (++this.#added < mainItems / WINDOW_EPOCHS) return;
    this.#added = 0;
    this.epoch = this.epoch + 1 & AGE_MASK;
  }
}
