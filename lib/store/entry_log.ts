import { DecodedValues } from "./decoded_values.ts";
import {
  decodedIdOf,
  type EntryHeader,
  hashOf,
  keyBytesOf,
  markDead,
  valueBytesOf,
  wordsOf,
  writeHeader,
} from "./entry.ts";
import { EntryIndex } from "./entry_index.ts";
import type { KeyReader } from "./key_reader.ts";
import { FIRST_WORD, type Segment, SEGMENT_OVERHEAD_BYTES, type SegmentQueue } from "./segment.ts";
import { SegmentMemory, singleWordsFor } from "./segment_memory.ts";

/** Up to this many words, a loop copies faster than `TypedArray.prototype.set`. */
const LOOP_WORDS = 64;

/** An entry to be appended to a queue. */
export interface NewEntry extends EntryHeader {
  key: KeyReader;
  value: Uint8Array;
  words: number;
  storedAtMs: number;
}

/**
 * The entries in their segments, and the index that finds them. It appends, moves and drops
 * entries and does the accounting; the `Reclaimer` and the eviction policy decide which.
 */
export class EntryLog {
  readonly index: EntryIndex = new EntryIndex();
  readonly decoded: DecodedValues = new DecodedValues();
  readonly memory: SegmentMemory;
  /** Sealed segments that are less than half live. */
  sparse: Segment[] = [];
  /** How many entries are held. */
  items = 0;
  /** Bytes of the keys and values held. */
  payloadBytes = 0;
  /** Whether an entry that expires was ever appended. */
  hasExpiring = false;
  /** No segment has to be swept before this time. */
  sweepAtMs: number = Infinity;
  /** How many entries were ever moved. */
  moves = 0;
  /** How many entries were dropped because they had expired. */
  expired = 0;

  constructor(standardWords: number) {
    this.memory = new SegmentMemory(standardWords);
  }

  /** Memory taken by segments, index and decoded values, in bytes. */
  get bytes(): number {
    return this.memory.bytes + this.index.bytes + this.decoded.bytes;
  }

  /** Returns the additional memory that appending an entry of this many words would take, in bytes. */
  growthFor(queue: SegmentQueue, words: number): number {
    const segmentWords = this.#segmentWordsFor(queue, words);
    return segmentWords === 0 ? 0 : 4 * segmentWords + SEGMENT_OVERHEAD_BYTES;
  }

  /** Appends an entry. Returns false if the runtime is out of memory. */
  append(queue: SegmentQueue, entry: NewEntry): boolean {
    const { key, value, words: size } = entry;
    const segment = this.#segmentFor(queue, size);
    if (segment === undefined) return false;
    const { words } = segment;
    const at = segment.used;
    let word = writeHeader(words, at, entry);
    const keyWords = key.words;
    for (let from = 0; 4 * from < entry.keyBytes; from++) words[word++] = keyWords[from] as number;
    segment.bytes.set(value, 4 * word);
    this.index.bucketWithRoom(entry.hash).insert(entry.hash, segment.id, at);
    this.items++;
    this.payloadBytes += entry.keyBytes + entry.valueBytes;
    if (entry.expiresAtMs < segment.sweepAtMs) {
      segment.sweepAtMs = entry.expiresAtMs;
      this.sweepAtMs = Math.min(this.sweepAtMs, entry.expiresAtMs);
      this.hasExpiring = true;
    }
    if (entry.storedAtMs < segment.sinceMs) segment.sinceMs = entry.storedAtMs;
    if (entry.uses > 0) segment.isUsed = true;
    segment.used += size;
    segment.liveWords += size;
    return true;
  }

  /** Moves an entry to the end of a queue; a segment that holds nothing else moves as a whole. */
  move(segment: Segment, at: number, queue: SegmentQueue): void {
    this.moves++;
    if (segment.isSingle) {
      segment.queue?.remove(segment);
      queue.push(segment);
      return;
    }
    const size = wordsOf(segment.words, at);
    const target = this.#segmentFor(queue, size);
    if (target === undefined) return this.drop(segment, at);
    const to = target.used;
    if (size > LOOP_WORDS) target.words.set(segment.words.subarray(at, at + size), to);
    else {
      for (let word = 0; word < size; word++) {
        target.words[to + word] = segment.words[at + word] as number;
      }
    }
    const hash = hashOf(segment.words, at);
    const bucket = this.index.bucketOf(hash);
    bucket.relocate(bucket.slotOf(hash, segment.id, at), target.id, to);
    target.sweepAtMs = Math.min(target.sweepAtMs, segment.sweepAtMs);
    target.sinceMs = Math.min(target.sinceMs, segment.sinceMs);
    if (segment.isUsed) target.isUsed = true;
    target.used += size;
    target.liveWords += size;
    this.#bury(segment, at, size);
  }

  /** Drops an entry. */
  drop(segment: Segment, at: number): void {
    const { words } = segment;
    const hash = hashOf(words, at);
    const bucket = this.index.bucketOf(hash);
    bucket.remove(bucket.slotOf(hash, segment.id, at));
    if (bucket.isSparse) this.index.shrink(hash);
    this.items--;
    this.payloadBytes -= keyBytesOf(words, at) + valueBytesOf(words, at);
    const decodedId = decodedIdOf(words, at);
    if (decodedId !== 0) this.decoded.remove(decodedId);
    this.#bury(segment, at, wordsOf(words, at));
  }

  /** Drops an entry because it has expired. */
  expire(segment: Segment, at: number): void {
    this.expired++;
    this.drop(segment, at);
  }

  /** Closes a segment to new entries. */
  seal(segment: Segment): void {
    segment.isSealed = true;
    if (segment.queue?.open === segment) segment.queue.open = undefined;
    this.#releaseOrMarkSparse(segment);
  }

  clear(): void {
    for (const segment of this.memory.segments) {
      if (segment !== undefined) this.#release(segment);
    }
    this.memory.dropSpares();
    this.memory.isShort = false;
    this.sparse = [];
    this.items = 0;
    this.payloadBytes = 0;
    this.decoded.clear();
    this.index.clear();
  }

  /** Returns the size of the segment that an entry needs, or 0 if it fits into the open one. */
  #segmentWordsFor(queue: SegmentQueue, words: number): number {
    const { standardWords } = this.memory;
    const tail = queue.open === undefined ? 0 : queue.open.words.length - queue.open.used;
    if (words <= tail) return 0;
    // A segment of its own is cheaper than the tail that entries of this size would waste.
    const fitting = Math.floor((standardWords - FIRST_WORD) / words);
    const wastedWords = standardWords - FIRST_WORD - fitting * words;
    const isWasteful = 4 * wastedWords > SEGMENT_OVERHEAD_BYTES * fitting;
    return fitting === 0 || isWasteful ? singleWordsFor(words) : standardWords;
  }

  #segmentFor(queue: SegmentQueue, words: number): Segment | undefined {
    const segmentWords = this.#segmentWordsFor(queue, words);
    if (segmentWords === 0) return queue.open;
    const segment = this.memory.allocate(segmentWords);
    if (segment === undefined) return undefined;
    queue.push(segment);
    if (segmentWords === this.memory.standardWords) {
      if (queue.open !== undefined) this.seal(queue.open);
      queue.open = segment;
    } else segment.isSealed = segment.isSingle = true;
    return segment;
  }

  /** Marks an entry that is no longer in the index. */
  #bury(segment: Segment, at: number, words: number): void {
    markDead(segment.words, at);
    segment.liveWords -= words;
    this.#releaseOrMarkSparse(segment);
  }

  #releaseOrMarkSparse(segment: Segment): void {
    if (!segment.isSealed) return;
    if (segment.liveWords === 0) this.#release(segment);
    else if (!segment.isSparse && 2 * segment.liveWords < segment.words.length) {
      segment.isSparse = true;
      this.sparse.push(segment);
    }
  }

  #release(segment: Segment): void {
    segment.queue?.remove(segment);
    this.memory.release(segment);
  }
}
