import type { EntryHeap } from "./entry_heap.ts";
import type { Reclaimer } from "./reclaimer.ts";
import { SEGMENT_OVERHEAD_BYTES } from "./segment.ts";
import { standardWordsFor } from "./segment_memory.ts";
import type { SegmentQueue } from "./segment_queue.ts";
import { Sweeper } from "./sweeper.ts";

/** What a store takes before it holds anything, beside its index; estimated. */
const STORE_OVERHEAD_BYTES = 6144;
/** The small queue's share of the store. */
const SMALL_SHARE = 0.1;
/** What views may see of the store's own memory, as a share of it. */
const LENT_SHARE = 0.25;
/** What kept values may hold on to when memory is wanted, as a share of the store. */
const KEPT_SHARE = 0.25;
/** Words gone over in order to reclaim, for each word that comes in. */
const PACE = 8;
/** Entries copied in one call before those used less are not copied any more: about 1 ms. */
const PATIENCE_MOVES = 8192;

/**
 * Holds a store to its `maxBytes`. Most of the reclaiming is done ahead of need and paced by what
 * comes in, so that no call has much of it to do; what is missing all the same is made up at once.
 */
export class Budget {
  /** What views may see of the ordinary segments, in bytes. */
  maxLentBytes = 0;
  /** What kept values may take when memory is wanted, in bytes. */
  maxKeptBytes = 0;
  #maxBytes = 0;
  /** Kept free of new entries, so that survivors have somewhere to go while room is made. */
  #reserve = 0;
  readonly #heap: EntryHeap;
  readonly #reclaimer: Reclaimer;
  readonly #sweeper: Sweeper;

  constructor(heap: EntryHeap, reclaimer: Reclaimer) {
    this.#heap = heap;
    this.#reclaimer = reclaimer;
    this.#sweeper = new Sweeper(heap);
  }

  get maxBytes(): number {
    return this.#maxBytes;
  }

  set maxBytes(maxBytes: number) {
    const { memory } = this.#heap;
    this.#maxBytes = maxBytes;
    this.maxLentBytes = maxBytes * LENT_SHARE;
    this.maxKeptBytes = maxBytes * KEPT_SHARE;
    this.#reclaimer.smallBytes = maxBytes * SMALL_SHARE;
    memory.standardWords = standardWordsFor(maxBytes);
    this.#reserve = 4 * memory.standardWords + SEGMENT_OVERHEAD_BYTES;
  }

  /** Memory taken, in bytes. */
  get bytes(): number {
    return STORE_OVERHEAD_BYTES + this.#heap.bytes + this.#heap.memory.spareBytes;
  }

  /** Reclaims until so many words fit into a queue. Returns false if they never will. */
  makeRoom(queue: SegmentQueue, words: number): boolean {
    const heap = this.#heap;
    const movesBefore = heap.moves;
    for (;;) {
      const growth = heap.growthFor(queue, words);
      const free = this.#free() - growth;
      if (free >= (growth === 0 ? 0 : this.#reserve / 2)) return true;
      if (!this.#reclaim(movesBefore)) return free >= 0;
    }
  }

  /** Does the share of reclaiming that so many new words call for. */
  tidy(words: number, nowMs: number): void {
    // A large value's share would be more than there is need of.
    const share = Math.min(PACE * words, this.#heap.memory.standardWords);
    if (this.#free() < 2 * this.#reserve) {
      this.#trimKept();
      this.#reclaimer.advance(share);
    } else this.#reclaimer.compact(share);
    if (this.#heap.hasMortals) this.#sweeper.sweep(share, nowMs);
  }

  /** Does the share of reclaiming that so many removed words call for. */
  compact(words: number): void {
    this.#reclaimer.compact(PACE * words);
  }

  /** Makes what is over the limit go, however it came to be. Returns whether anything was. */
  settle(): boolean {
    const { memory, moves } = this.#heap;
    if (this.#free() >= memory.spareBytes) return false;
    const isOver = this.#free() < 0;
    while (this.#free() < 0) {
      if (!this.#reclaim(moves)) break;
    }
    if (this.#free() < memory.spareBytes) memory.dropSpares();
    return isOver;
  }

  /** What entries, index and kept values do not take of what they may, in bytes. */
  #free(): number {
    const { memory, index, kept } = this.#heap;
    const lentBytes = Math.min(memory.strayBytes, this.maxLentBytes);
    const takenBytes = memory.bytes + index.bytes + kept.bytes;
    return this.#maxBytes - STORE_OVERHEAD_BYTES - lentBytes - takenBytes;
  }

  /** Empties a segment, less patiently the more was copied since `movesBefore`. */
  #reclaim(movesBefore: number): boolean {
    this.#trimKept();
    this.#reclaimer.indifferentUses = Math.floor((this.#heap.moves - movesBefore) / PATIENCE_MOVES);
    const isDone = this.#reclaimer.reclaim();
    this.#reclaimer.indifferentUses = 0;
    return isDone;
  }

  #trimKept(): void {
    if (this.#heap.kept.bytes > this.maxKeptBytes) this.#heap.kept.trim(this.maxKeptBytes);
  }
}
