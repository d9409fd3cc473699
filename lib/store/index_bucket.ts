// deno-lint-ignore-file no-non-null-assertion -- indices into typed arrays are in range by construction
import { GhostTable } from "./ghost_table.ts";

/** Bits that number the slots of a full-sized bucket. */
export const SLOT_BITS = 12;
/** Slots of a full-sized bucket. */
export const MAX_SLOTS: number = 1 << SLOT_BITS;
/** Slots of the smallest bucket. */
export const MIN_SLOTS = 64;

/** The share of the slots that may be taken. */
const MAX_LOAD = 0.75;

const SEGMENT_LOW_SHIFT = 20;
const WORD_MASK = (1 << SEGMENT_LOW_SHIFT) - 1;
const HOME_SHIFT = 4;
const HOME_MASK = MAX_SLOTS - 1;

/** What a bucket's objects take beyond their slots; an estimate. */
const BUCKET_OVERHEAD_BYTES = 640;

/**
 * A bucket of the index: open addressing with linear probing, over slots of two words. A slot holds
 * 28 bits of the hash and the location of the entry (16 bits of segment id, 20 of the word in it;
 * never 0). Removal moves later entries up, so there are no tombstones.
 *
 * The number of slots is a power of two or three halves of one. With powers of two alone, a quarter
 * more of them would be free on average.
 */
export class IndexBucket {
  readonly id: number;
  /** How many leading hash bits all its entries share. */
  depth: number;
  /** How many entries it holds. */
  items = 0;
  slots: Int32Array;
  /** How many slots it has. */
  capacity: number;
  /** Fingerprints of evicted keys with these leading hash bits. */
  readonly ghosts: GhostTable;

  constructor(id: number, depth: number) {
    this.id = id;
    this.depth = depth;
    this.slots = new Int32Array(2 * MIN_SLOTS);
    this.capacity = MIN_SLOTS;
    this.ghosts = new GhostTable(ghostsFor(MIN_SLOTS));
  }

  /** Memory taken, in bytes. */
  get byteLength(): number {
    return this.slots.byteLength + this.ghosts.byteLength + BUCKET_OVERHEAD_BYTES;
  }

  /** Whether it has to grow before it takes another entry. */
  get isFull(): boolean {
    return this.items >= this.capacity * MAX_LOAD;
  }

  /** Whether it is worth making it smaller, or merging it with its buddy. */
  get isSparse(): boolean {
    return this.items < this.capacity >>> 3;
  }

  /** Returns the slot at which the search for a hash starts. */
  home(hash: number): number {
    return Math.imul(hash >>> HOME_SHIFT & HOME_MASK, this.capacity) >>> SLOT_BITS;
  }

  /** Returns the slot after this one, which is the first after the last. */
  after(slot: number): number {
    return slot + 1 === this.capacity ? 0 : slot + 1;
  }

  /** Returns the first slot from `slot` on that may hold an entry with this hash, or -1. */
  next(slot: number, hash: number): number {
    const { slots, capacity } = this;
    while (slots[2 * slot + 1]! !== 0) {
      if ((slots[2 * slot]! ^ hash) >>> HOME_SHIFT === 0) return slot;
      if (++slot === capacity) slot = 0;
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
    for (let slot = this.home(hash); !this.isFree(slot); slot = this.after(slot)) {
      if (this.slots[2 * slot + 1]! === low && this.slots[2 * slot]! === high) return slot;
    }
    return -1;
  }

  /** Inserts an entry. At least one slot must stay free afterwards. */
  insert(hash: number, segmentId: number, word: number): void {
    let slot = this.home(hash);
    while (!this.isFree(slot)) slot = this.after(slot);
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
    const { slots } = this;
    let hole = slot;
    for (let at = this.after(slot); !this.isFree(at); at = this.after(at)) {
      // An entry must not move to before its home.
      if (this.#distance(this.home(slots[2 * at]!), at) < this.#distance(hole, at)) continue;
      slots[2 * hole] = slots[2 * at]!;
      slots[2 * hole + 1] = slots[2 * at + 1]!;
      hole = at;
    }
    slots[2 * hole] = slots[2 * hole + 1] = 0;
    this.items--;
  }

  /** Gives it as many slots as this many entries need. */
  resizeFor(items: number): void {
    const old = this.slots;
    this.#reset(slotsFor(items));
    this.ghosts.resize(ghostsFor(this.capacity));
    this.#insertAll(old);
  }

  /** Moves the entries whose next hash bit is 1 to an empty bucket. */
  split(other: IndexBucket): void {
    const bit = 31 - this.depth;
    this.depth = other.depth = this.depth + 1;
    const { slots } = this;
    let ones = 0;
    for (let at = 0; at < slots.length; at += 2) {
      if (slots[at + 1]! !== 0) ones += slots[at]! >>> bit & 1;
    }
    const zeros = this.items - ones;
    this.#reset(slotsFor(zeros));
    other.#reset(slotsFor(ones));
    for (let at = 0; at < slots.length; at += 2) {
      if (slots[at + 1]! === 0) continue;
      ((slots[at]! >>> bit & 1) === 0 ? this : other).#insertSlot(slots[at]!, slots[at + 1]!);
    }
    other.ghosts.resize(this.ghosts.slots);
    this.ghosts.split(other.ghosts, bit);
    this.ghosts.resize(ghostsFor(this.capacity));
    other.ghosts.resize(ghostsFor(other.capacity));
  }

  /** Takes over everything from its buddy. */
  merge(other: IndexBucket): void {
    this.depth--;
    this.resizeFor(2 * (this.items + other.items));
    this.#insertAll(other.slots);
    other.ghosts.resize(this.ghosts.slots);
    this.ghosts.merge(other.ghosts);
  }

  /** Returns how many slots further on `slot` is than `from`. */
  #distance(from: number, slot: number): number {
    return slot < from ? slot - from + this.capacity : slot - from;
  }

  #reset(slots: number): void {
    this.slots = new Int32Array(2 * slots);
    this.capacity = slots;
    this.items = 0;
  }

  #insertAll(slots: Int32Array): void {
    for (let at = 0; at < slots.length; at += 2) {
      if (slots[at + 1]! !== 0) this.#insertSlot(slots[at]!, slots[at + 1]!);
    }
  }

  /** Inserts what a slot of two words held. */
  #insertSlot(high: number, low: number): void {
    let slot = this.home(high);
    while (!this.isFree(slot)) slot = this.after(slot);
    this.slots[2 * slot] = high;
    this.slots[2 * slot + 1] = low;
    this.items++;
  }
}

/** Returns the least number of slots that leaves room for another entry beside this many. */
function slotsFor(items: number): number {
  let slots = MIN_SLOTS;
  while (slots < MAX_SLOTS && items >= slots * MAX_LOAD) {
    // From a power of two to three halves of it, and on to the next.
    slots += (slots & slots - 1) === 0 ? slots / 2 : slots / 3;
  }
  return slots;
}

/** Returns how many ghosts a bucket of this many slots remembers: a power of two. */
function ghostsFor(slots: number): number {
  return 1 << 32 - Math.clz32(slots - 1);
}
