// deno-lint-ignore-file no-non-null-assertion -- indices into typed arrays are in range by construction
import { GhostTable } from "./ghost_table.ts";

/** Bits that number the slots of a full-sized bucket. */
export const SLOT_BITS = 12;
/** Slots of a full-sized bucket. */
export const MAX_SLOTS: number = 1 << SLOT_BITS;
/** Slots of the smallest bucket. */
export const MIN_SLOTS = 64;

const SEGMENT_LOW_SHIFT = 20;
const WORD_MASK = (1 << SEGMENT_LOW_SHIFT) - 1;
const HOME_SHIFT = 4;

/** What a bucket's objects take beyond their slots; an estimate. */
const BUCKET_OVERHEAD_BYTES = 640;

/**
 * A bucket of the index: open addressing with linear probing, over slots of two words. A slot holds
 * 28 bits of the hash and the location of the entry (16 bits of segment id, 20 of the word in it;
 * never 0). Removal moves later entries up, so there are no tombstones.
 */
export class IndexBucket {
  readonly id: number;
  /** How many leading hash bits all its entries share. */
  depth: number;
  /** How many entries it holds. */
  items = 0;
  slots: Int32Array;
  mask: number;
  /** Fingerprints of evicted keys with these leading hash bits. */
  readonly ghosts: GhostTable;

  constructor(id: number, { depth, slots = MIN_SLOTS }: { depth: number; slots?: number }) {
    this.id = id;
    this.depth = depth;
    this.slots = new Int32Array(2 * slots);
    this.mask = slots - 1;
    this.ghosts = new GhostTable(slots);
  }

  /** Memory taken, in bytes. */
  get byteLength(): number {
    return this.slots.byteLength + this.ghosts.byteLength + BUCKET_OVERHEAD_BYTES;
  }

  /** Whether it is worth halving it, or merging it with its buddy. */
  get isSparse(): boolean {
    return this.items < this.mask >>> 3;
  }

  /** Returns the slot at which the search for a hash starts. */
  home(hash: number): number {
    return hash >>> HOME_SHIFT & this.mask;
  }

  /** Returns the first slot from `slot` on that may hold an entry with this hash, or -1. */
  next(slot: number, hash: number): number {
    const { slots, mask } = this;
    while (slots[2 * slot + 1]! !== 0) {
      if ((slots[2 * slot]! ^ hash) >>> HOME_SHIFT === 0) return slot;
      slot = slot + 1 & mask;
    }
    return -1;
  }

  isFree(slot: number): boolean {
    return this.slots[2 * slot + 1] === 0;
  }

  segmentId(slot: number): number {
    return (this.slots[2 * slot]! & 15) << 12 | this.slots[2 * slot + 1]! >>> SEGMENT_LOW_SHIFT;
  }

  /** Returns the word at which the entry starts in its segment. */
  word(slot: number): number {
    return this.slots[2 * slot + 1]! & WORD_MASK;
  }

  /** Returns the slot of the entry at this location, or -1. */
  slotOf(hash: number, segmentId: number, word: number): number {
    const high = hash & ~15 | segmentId >>> 12;
    const low = segmentId << SEGMENT_LOW_SHIFT | word;
    for (let slot = this.home(hash); !this.isFree(slot); slot = slot + 1 & this.mask) {
      if (this.slots[2 * slot + 1]! === low && this.slots[2 * slot]! === high) return slot;
    }
    return -1;
  }

  /** Inserts an entry. At least one slot must stay free afterwards. */
  insert(hash: number, segmentId: number, word: number): void {
    let slot = this.home(hash);
    while (!this.isFree(slot)) slot = slot + 1 & this.mask;
    this.slots[2 * slot] = hash & ~15;
    this.relocate(slot, segmentId, word);
    this.items++;
  }

  /** Updates the location of the entry in this slot. */
  relocate(slot: number, segmentId: number, word: number): void {
    this.slots[2 * slot] = this.slots[2 * slot]! & ~15 | segmentId >>> 12;
    this.slots[2 * slot + 1] = segmentId << SEGMENT_LOW_SHIFT | word;
  }

  remove(slot: number): void {
    const { slots, mask } = this;
    let hole = slot;
    for (let at = slot + 1 & mask; !this.isFree(at); at = at + 1 & mask) {
      const home = slots[2 * at]! >>> HOME_SHIFT & mask;
      // An entry must not move to before its home.
      if ((at - home & mask) < (at - hole & mask)) continue;
      slots[2 * hole] = slots[2 * at]!;
      slots[2 * hole + 1] = slots[2 * at + 1]!;
      hole = at;
    }
    slots[2 * hole] = slots[2 * hole + 1] = 0;
    this.items--;
  }

  /** Changes the number of slots, a power of two. */
  resize(slots: number): void {
    const old = this.slots;
    this.slots = new Int32Array(2 * slots);
    this.mask = slots - 1;
    this.items = 0;
    this.ghosts.resize(slots);
    this.#insertAll(old);
  }

  /** Moves the entries whose next hash bit is 1 to an empty bucket of the same size. */
  split(other: IndexBucket): void {
    const bit = 31 - this.depth;
    this.depth = other.depth = this.depth + 1;
    for (let slot = 0; slot <= this.mask; slot++) {
      // Each removal may move another entry up into this slot.
      while (!this.isFree(slot) && (this.slots[2 * slot]! >>> bit & 1) === 1) {
        other.insert(this.slots[2 * slot]!, this.segmentId(slot), this.word(slot));
        this.remove(slot);
      }
    }
    this.ghosts.split(other.ghosts, bit);
  }

  /** Takes over everything from its buddy, which has the same size. */
  merge(other: IndexBucket): void {
    this.depth--;
    this.#insertAll(other.slots);
    this.ghosts.merge(other.ghosts);
  }

  #insertAll(slots: Int32Array): void {
    for (let at = 0; at < slots.length; at += 2) {
      const high = slots[at]!;
      const low = slots[at + 1]!;
      if (low === 0) continue;
      const segmentId = (high & 15) << 12 | low >>> SEGMENT_LOW_SHIFT;
      this.insert(high, segmentId, low & WORD_MASK);
    }
  }
}
