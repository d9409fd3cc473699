import { type EntryHeader, hashOf, setUses, usesOf, wordsOf } from "./entry.ts";
import type { EntryIndex } from "./entry_index.ts";
import { FIRST_WORD, type Segment, SegmentQueue } from "./segment.ts";

/** The small queue's share of the store at first, and its bounds. */
const SMALL_SHARE = 0.1;
const MIN_SMALL_SHARE = 0.05;
const MAX_SMALL_SHARE = 0.5;
/** By how much the share moves at a time, and after how many near misses. */
const SHARE_STEP = 0.02;
const NEAR_MISSES = 64;
/** The share moves once one side has this many times the other's near misses. */
const SHARE_HYSTERESIS = 1.5;
/** A miss was near if at most this share of the store was dropped since the key was evicted. */
const NEAR_SHARE = 0.05;
/** The newest part of the small queue, in which uses do not count. */
const YOUNG_SHARE = 0.3;
/** How much the small queue may drop, in stores, before it forgets a ghost. */
const GHOST_SHARE = 1.5;
/** The steps in which that is measured. */
const GHOST_EPOCHS = 128;
const EPOCH_MASK = 0xff;
/** The bit of a ghost's tag which says that main evicted it. */
const MAIN_GHOST = 0x100;
/** Entries over which the typical size is averaged, and after how many it is brought up to date. */
const SIZE_WINDOW = 1000;
const SIZE_UPDATE = 64;
/** A main queue with less than this share of the store to grow counts as full. */
const FULL_MARGIN = 0.1;

/**
 * The eviction policy: S3-FIFO over segments, with five changes. Only this file knows it.
 *
 * New entries go to the small queue. When their segment's turn comes, those that were used move to
 * main; the others are evicted and leave a ghost. A key that comes back while its ghost is
 * remembered goes straight to main. In main, an entry goes round again at the price of a use. (Yang,
 * Zhang, Qiu, Yue and Rashmi, "FIFO queues are all you need for cache eviction", SOSP 2023.)
 *
 * 1. Ghosts are forgotten by the bytes dropped after them, not by the entries: so they last as long
 *    with large values as with small ones, and however few entries main holds.
 * 2. Size counts. An entry of at most half the typical size needs no use to be promoted, one of
 *    more than 1.5 times that size needs two; and a round through main costs size / typical uses.
 *    The typical size is the geometric mean of those that came to the small queue's end. (After the
 *    value per byte that GDSF, LHD and others rank entries by.)
 * 3. Uses in the newest 30 % of the small queue do not count: a key that is asked for again at once
 *    is not a popular one. (Clock2Q+; "correlated references" in O'Neil's LRU-K, SIGMOD 1993.)
 * 4. A ghost counts only if its key would still be there, had it been put into main: if it is
 *    younger than main's oldest segment. So ghosts can be remembered for longer, 1.5 stores.
 * 5. The small queue's share moves between 5 and 50 %, towards the queue whose evictions are more
 *    often regretted soon, per byte that it dropped. (After ARC, Megiddo and Modha, FAST 2003.)
 */
export class S3Fifo {
  readonly #index: EntryIndex;
  readonly #small = new SegmentQueue({ onPush: (segment) => this.#enterSmall(segment) });
  readonly #main = new SegmentQueue({
    isLasting: true,
    onPush: (segment) => segment.bornAt = this.#droppedBytes,
  });
  #maxBytes = 0;
  #smallShare = SMALL_SHARE;
  #smallBytes = 0;
  /** The time of ghosts: bytes that the small queue has ever dropped, and the same in epochs. */
  #droppedBytes = 0;
  #epoch = 0;
  #epochBytes = 0;
  #nextEpochAt = 0;
  /** Near misses, and the bytes dropped, of each queue; older ones count for less and less. */
  #regret = { smallMisses: 0, smallBytes: 0, mainMisses: 0, mainBytes: 0, untilStep: NEAR_MISSES };
  /** The logarithm of the typical size in words, and what follows from it. */
  #logTypical = 0;
  #typicalWords = 1;
  #judged = 0;
  /** The fraction of a use that rounding has left to charge. */
  #owed = 0;

  constructor(index: EntryIndex) {
    this.#index = index;
  }

  /** The memory that entries are to be evicted from, in bytes. */
  set maxBytes(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#smallBytes = this.#smallShare * maxBytes;
    this.#epochBytes = Math.max(1, GHOST_SHARE * maxBytes / GHOST_EPOCHS);
  }

  /** The queues, those whose entries are more valuable first. */
  get queues(): readonly SegmentQueue[] {
    return [this.#main, this.#small];
  }

  /** Returns the queue for a new entry. `current` is that of the entry it replaces. */
  queueFor({ hash, uses }: EntryHeader, current: SegmentQueue | undefined): SegmentQueue {
    const tag = this.#index.takeGhost(hash);
    if (tag >= 0 && this.#isPromoted(tag)) return this.#main;
    if (current !== undefined) return current;
    return uses > 0 ? this.#main : this.#small;
  }

  /** Returns the segment to be emptied next. */
  nextVictim(): Segment | undefined {
    const isSmallsTurn = this.#small.bytes > this.#smallBytes || this.#main.oldest === undefined;
    return isSmallsTurn ? this.#small.oldest : this.#main.oldest;
  }

  /**
   * Judges an entry of a victim. Returns the queue that it moves to, or `undefined` to evict it.
   *
   * @param ignoredUses How many uses do not count: more than 0 when moving takes too long.
   */
  verdict({ words, queue }: Segment, at: number, ignoredUses: number): SegmentQueue | undefined {
    const uses = usesOf(words, at) - ignoredUses;
    const size = wordsOf(words, at);
    if (queue === this.#main) {
      if (uses > 0) {
        const price = this.#price(size);
        if (uses >= price) {
          setUses(words, at, uses - price);
          return this.#main;
        }
      }
      this.#regret.mainBytes += 4 * size;
      this.#index.addGhost(hashOf(words, at), this.#epoch | MAIN_GHOST);
      return undefined;
    }
    this.#learnSize(size);
    const relative = size / this.#typicalWords;
    if (uses >= (relative <= 0.5 ? 0 : relative <= 1.5 ? 1 : 2)) {
      // One that is promoted for its size alone is given the uses that its first rounds will cost.
      setUses(words, at, uses > 0 ? 0 : Math.min(3, Math.max(0, Math.floor(0.5 / relative) - 1)));
      return this.#main;
    }
    this.#index.addGhost(hashOf(words, at), this.#epoch);
    this.#regret.smallBytes += 4 * size;
    this.#passTime(4 * size);
    return undefined;
  }

  /** Forgets the uses of the entries that are no longer young: they came too soon to tell much. */
  #enterSmall(newest: Segment): void {
    newest.isYoung = true;
    let newerBytes = 0;
    for (let segment = newest; segment.isYoung; segment = segment.older) {
      if (newerBytes > YOUNG_SHARE * this.#smallBytes) {
        segment.isYoung = false;
        if (segment.isUsed) forgetUses(segment);
      }
      newerBytes += segment.byteLength;
      if (segment.older === undefined) return;
    }
  }

  /** Whether a key that comes back with this ghost has deserved to enter main. */
  #isPromoted(tag: number): boolean {
    const age = this.#epoch - tag & EPOCH_MASK;
    const isNear = age <= NEAR_SHARE / GHOST_SHARE * GHOST_EPOCHS;
    if ((tag & MAIN_GHOST) !== 0) {
      if (isNear) this.#regretEviction("mainMisses");
      return false;
    }
    if (age > GHOST_EPOCHS) return false;
    if (isNear) this.#regretEviction("smallMisses");
    const oldest = this.#main.oldest;
    const growth = this.#small.bytes - this.#smallBytes;
    if (oldest === undefined || growth > FULL_MARGIN * this.#maxBytes) return true;
    return age * this.#epochBytes <= this.#droppedBytes - oldest.bornAt;
  }

  /** Counts a near miss, and moves the small queue's share when there were enough. */
  #regretEviction(misses: "smallMisses" | "mainMisses"): void {
    const regret = this.#regret;
    regret[misses]++;
    if (--regret.untilStep > 0) return;
    regret.untilStep = NEAR_MISSES;
    const small = regret.smallMisses * regret.mainBytes;
    const main = regret.mainMisses * regret.smallBytes;
    let share = this.#smallShare;
    if (small > SHARE_HYSTERESIS * main) share += SHARE_STEP;
    else if (main > SHARE_HYSTERESIS * small) share -= SHARE_STEP;
    this.#smallShare = Math.min(Math.max(share, MIN_SMALL_SHARE), MAX_SMALL_SHARE);
    this.#smallBytes = this.#smallShare * this.#maxBytes;
    regret.smallMisses /= 2;
    regret.mainMisses /= 2;
    regret.smallBytes /= 2;
    regret.mainBytes /= 2;
  }

  #passTime(bytes: number): void {
    this.#droppedBytes += bytes;
    while (this.#droppedBytes >= this.#nextEpochAt) {
      this.#nextEpochAt += this.#epochBytes;
      this.#epoch = this.#epoch + 1 & EPOCH_MASK;
    }
  }

  /** Returns the uses that a round through main costs, rounded so that it is right on average. */
  #price(words: number): number {
    this.#owed += Math.min(Math.max(words / this.#typicalWords, 1 / 16), 2);
    const price = Math.floor(this.#owed);
    this.#owed -= price;
    return price;
  }

  #learnSize(words: number): void {
    const judged = ++this.#judged;
    this.#logTypical += (log2(words) - this.#logTypical) / Math.min(judged, SIZE_WINDOW);
    if (judged < SIZE_UPDATE || judged % SIZE_UPDATE === 0) {
      this.#typicalWords = exp2(this.#logTypical);
    }
  }
}

function forgetUses({ words, used }: Segment): void {
  for (let at = FIRST_WORD; at < used; at += wordsOf(words, at)) {
    // Most have none, and a word that is not written to need not go back to memory.
    if (usesOf(words, at) > 0) setUses(words, at, 0);
  }
}

/** A logarithm of broken lines: what matters is that it is fast, and that `exp2` undoes it. */
function log2(words: number): number {
  const whole = 31 - Math.clz32(words);
  return whole + words / (1 << whole) - 1;
}

function exp2(log: number): number {
  const whole = Math.floor(log);
  return (log - whole + 1) * (1 << whole);
}
