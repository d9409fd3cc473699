import type { EntryLog } from "./entry_log.ts";
import type { Reclaimer } from "./reclaimer.ts";
import { SEGMENT_OVERHEAD_BYTES, type SegmentQueue } from "./segment.ts";
import { standardWordsFor } from "./segment_memory.ts";
import { Sweeper } from "./sweeper.ts";

/** What an empty store takes, apart from its index; an estimate. */
const STORE_OVERHEAD_BYTES = 6144;
/** The share of the store whose memory views may point into. */
const LENT_SHARE = 0.25;
/** The share of the store that decoded values may keep when memory is short. */
const DECODED_SHARE = 0.25;
/** Words of reclaiming for each word that is appended. */
const PACE = 8;
/** Entries copied in one call before the policy is told to ignore a use: about 1 ms. */
const PATIENCE_MOVES = 8192;

/**
 * Holds a store to its `maxBytes`. Most of the reclaiming is done ahead of need, in proportion to
 * what is appended, so that no call has to do much of it. What is missing all the same is reclaimed
 * at once.
 */
export class Budget {
  /** How much of the ordinary segments views may point into, in bytes. */
  maxLentBytes = 0;
  /** How much decoded values may keep when memory is short, in bytes. */
  maxDecodedBytes = 0;
  #maxBytes = 0;
  /** Kept free of new entries, so that survivors have somewhere to go while room is made. */
  #reserve = 0;
  readonly #log: EntryLog;
  readonly #reclaimer: Reclaimer;
  readonly #sweeper: Sweeper;

  constructor(log: EntryLog, reclaimer: Reclaimer) {
    this.#log = log;
    this.#reclaimer = reclaimer;
    this.#sweeper = new Sweeper(log);
  }

  get maxBytes(): number {
    return this.#maxBytes;
  }

  set maxBytes(maxBytes: number) {
    const { memory } = this.#log;
    this.#maxBytes = maxBytes;
    this.maxLentBytes = maxBytes * LENT_SHARE;
    this.maxDecodedBytes = maxBytes * DECODED_SHARE;
    memory.standardWords = standardWordsFor(maxBytes);
    this.#reserve = 4 * memory.standardWords + SEGMENT_OVERHEAD_BYTES;
  }

  /** Memory taken, in bytes. */
  get bytes(): number {
    return STORE_OVERHEAD_BYTES + this.#log.bytes + this.#log.memory.spareBytes;
  }

  /** Reclaims until this many words fit into a queue. Returns false if they never will. */
  makeRoom(queue: SegmentQueue, words: number): boolean {
    const log = this.#log;
    const movesBefore = log.moves;
    for (;;) {
      const growth = log.growthFor(queue, words);
      const free = this.#free() - growth;
      if (free >= (growth === 0 ? 0 : this.#reserve / 2)) return true;
      if (!this.#reclaim(movesBefore)) return free >= 0;
    }
  }

  /** Does the reclaiming that is due after appending this many words. */
  tidy(words: number, nowMs: number): void {
    // In proportion to a large value it would be more than is needed.
    const { memory } = this.#log;
    const share = Math.min(PACE * words, memory.standardWords);
    if (this.#free() < 2 * this.#reserve) {
      memory.isShort = true;
      this.#trimDecoded();
      if (!this.#sweepExpired()) this.#reclaimer.advance(share);
    } else this.#reclaimer.compact(share);
    if (this.#log.hasExpiring) this.#sweeper.sweep(share, nowMs);
  }

  /** Does the reclaiming that is due after removing this many words. */
  compact(words: number): void {
    this.#reclaimer.compact(PACE * words);
    // What was moved may have taken a segment more than there was room for.
    this.settle();
  }

  /** Reclaims whatever is over the limit, for whatever reason. Returns whether anything was. */
  settle(): boolean {
    const { memory, moves } = this.#log;
    if (this.#free() >= memory.spareBytes) return false;
    const isOver = this.#free() < 0;
    while (this.#free() < 0) {
      if (!this.#reclaim(moves)) break;
    }
    if (this.#free() < memory.spareBytes) memory.dropSpares();
    return isOver;
  }

  /** How much of `maxBytes` is not taken by segments, index, decoded values and views, in bytes. */
  #free(): number {
    const { memory, index, decoded } = this.#log;
    const lentBytes = Math.min(memory.strayBytes, this.maxLentBytes);
    const takenBytes = memory.bytes + index.bytes + decoded.bytes;
    return this.#maxBytes - STORE_OVERHEAD_BYTES - lentBytes - takenBytes;
  }

  /** Empties a segment, and spares the fewer entries the more were copied since `movesBefore`. */
  #reclaim(movesBefore: number): boolean {
    this.#trimDecoded();
    if (this.#sweepExpired()) return true;
    this.#reclaimer.ignoredUses = Math.floor((this.#log.moves - movesBefore) / PATIENCE_MOVES);
    const isDone = this.#reclaimer.reclaim();
    this.#reclaimer.ignoredUses = 0;
    return isDone;
  }

  /** Drops what has expired in one segment, which is better than evicting what has not. */
  #sweepExpired(): boolean {
    return this.#log.hasExpiring && this.#sweeper.sweepExpired(this.#reclaimer.nowMs);
  }

  #trimDecoded(): void {
    const { decoded } = this.#log;
    if (decoded.bytes > this.maxDecodedBytes) decoded.trim(this.maxDecodedBytes);
  }
}
