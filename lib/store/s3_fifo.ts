import { hashOf, setUses, usesOf, wordsOf } from "./entry.ts";
import type { EntryIndex } from "./entry_index.ts";
import { type Segment, SegmentQueue } from "./segment.ts";

/** The small queue's share of the store. */
const SMALL_SHARE = 0.1;
/** A ghost is remembered until this share of the store has been dropped after it. */
const GHOST_SHARE = 0.9;
/** The time steps of that. */
const GHOST_EPOCHS = 128;
const EPOCH_MASK = 0xff;

/**
 * The eviction policy: S3-FIFO, over segments instead of single entries. Only this file knows it.
 *
 * New entries go to the small queue. When their segment's turn comes, those that were used move to
 * the main queue; the others are evicted and leave a ghost. A key that comes back while its ghost
 * is remembered goes straight to main. In main, an entry goes round again for each of its uses.
 *
 * Yang, Zhang, Qiu, Yue and Rashmi, "FIFO queues are all you need for cache eviction", SOSP 2023.
 */
export class S3Fifo {
  readonly #index: EntryIndex;
  readonly #small = new SegmentQueue();
  readonly #main = new SegmentQueue();
  #smallBytes = 0;
  #epochBytes = 0;
  /** The time of ghosts passes as the small queue drops entries, by their bytes. */
  #epoch = 0;
  #droppedBytes = 0;

  constructor(index: EntryIndex) {
    this.#index = index;
  }

  /** The memory that entries are to be evicted from, in bytes. */
  set maxBytes(maxBytes: number) {
    this.#smallBytes = SMALL_SHARE * maxBytes;
    this.#epochBytes = GHOST_SHARE * maxBytes / GHOST_EPOCHS;
  }

  /** The queues, those whose entries are more valuable first. */
  get queues(): readonly SegmentQueue[] {
    return [this.#main, this.#small];
  }

  /** Returns the queue for a new entry; `current` is that of the entry it replaces. */
  queueFor(hash: number, current: SegmentQueue | undefined): SegmentQueue {
    const epoch = this.#index.takeGhost(hash);
    const isRemembered = epoch >= 0 && (this.#epoch - epoch & EPOCH_MASK) <= GHOST_EPOCHS;
    return isRemembered ? this.#main : current ?? this.#small;
  }

  /** Returns the segment to be emptied next. */
  nextVictim(): Segment | undefined {
    const isSmallsTurn = this.#small.bytes > this.#smallBytes || this.#main.oldest === undefined;
    return isSmallsTurn ? this.#small.oldest : this.#main.oldest;
  }

  /**
   * Judges an entry of a victim. Returns the queue that it moves to, or `undefined` to evict it.
   *
   * @param ignoredUses So many uses do not count: it is above 0 when moving takes too long.
   */
  verdict({ words, queue }: Segment, at: number, ignoredUses: number): SegmentQueue | undefined {
    const uses = usesOf(words, at);
    const isKept = uses > ignoredUses;
    if (isKept) setUses(words, at, queue === this.#main ? uses - 1 : 0);
    else if (queue === this.#small) this.#addGhost(words, at);
    return isKept ? this.#main : undefined;
  }

  #addGhost(words: Int32Array, at: number): void {
    this.#index.addGhost(hashOf(words, at), this.#epoch);
    this.#droppedBytes += 4 * wordsOf(words, at);
    while (this.#droppedBytes > this.#epochBytes) {
      this.#droppedBytes -= this.#epochBytes;
      this.#epoch = this.#epoch + 1 & EPOCH_MASK;
    }
  }
}
