import {
  type EntryHeader,
  hashOf,
  keptOf,
  keyBytesOf,
  markDead,
  valueBytesOf,
  wordsOf,
  writeHeader,
} from "./entry.ts";
import type { KeyReader } from "./key_reader.ts";
import { KeptValues } from "./kept_values.ts";
import { PlaceIndex } from "./place_index.ts";
import { FIRST_WORD, type Segment, SEGMENT_OVERHEAD_BYTES } from "./segment.ts";
import { ownWordsFor, SegmentMemory } from "./segment_memory.ts";
import { SegmentQueue } from "./segment_queue.ts";

/** Up to this many words a loop copies faster than `TypedArray.prototype.set`. */
const LOOP_WORDS = 64;

/** What is appended to a queue. */
export interface NewEntry extends EntryHeader {
  key: KeyReader;
  value: Uint8Array;
  words: number;
}

/**
 * The entries, their segments in two queues, and the index that finds them. It knows how to put
 * entries in, move and drop them, and keeps the books; what is to be moved or dropped is decided
 * by the `Reclaimer`.
 */
export class EntryHeap {
  readonly index: PlaceIndex = new PlaceIndex();
  readonly kept: KeptValues = new KeptValues();
  readonly memory: SegmentMemory;
  /** Where entries come in. */
  readonly small: SegmentQueue = new SegmentQueue();
  /** Where those live that were used while in the small queue. */
  readonly main: SegmentQueue = new SegmentQueue();
  /** Sealed segments of which less than half is alive. */
  sparse: Segment[] = [];
  /** Bytes of the keys and values held. */
  payloadBytes = 0;
  /** Whether entries ever came in that expire. */
  hasMortals = false;
  /** Entries that were copied from one segment to another, ever. */
  moves = 0;

  constructor(standardWords: number) {
    this.memory = new SegmentMemory(standardWords);
  }

  /** Memory taken, in bytes, without what is kept ready or gone astray. */
  get bytes(): number {
    return this.memory.bytes + this.index.bytes + this.kept.bytes;
  }

  get items(): number {
    return this.small.items + this.main.items;
  }

  /** The memory that appending an entry of so many words will take beyond what is taken. */
  growthFor(queue: SegmentQueue, words: number): number {
    const segmentWords = this.#segmentWordsFor(queue, words);
    return segmentWords === 0 ? 0 : 4 * segmentWords + SEGMENT_OVERHEAD_BYTES;
  }

  /** Puts an entry in. Returns false if there is no memory for it. */
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
    this.index.tableFor(entry.hash).insert(entry.hash, segment.id, at);
    this.payloadBytes += entry.keyBytes + entry.valueBytes;
    if (entry.expiresAtMs < segment.sweepAtMs) {
      segment.sweepAtMs = entry.expiresAtMs;
      this.hasMortals = true;
    }
    this.#enter(segment, queue, size);
    return true;
  }

  /** Moves an entry to the end of a queue; its segment goes with it if it holds nothing else. */
  move(segment: Segment, at: number, queue: SegmentQueue): void {
    const size = wordsOf(segment.words, at);
    if (segment.isSingle) return this.#relink(segment, queue);
    const target = this.#segmentFor(queue, size);
    if (target === undefined) return this.drop(segment, at);
    this.moves++;
    const to = target.used;
    if (size > LOOP_WORDS) target.words.set(segment.words.subarray(at, at + size), to);
    else {
      for (let word = 0; word < size; word++) {
        target.words[to + word] = segment.words[at + word] as number;
      }
    }
    const hash = hashOf(segment.words, at);
    const table = this.index.tableOf(hash);
    table.point(table.slotOf(hash, segment.id, at), target.id, to);
    target.sweepAtMs = Math.min(target.sweepAtMs, segment.sweepAtMs);
    this.#enter(target, queue, size);
    this.#leave(segment, at, size);
  }

  /** Forgets an entry. */
  drop(segment: Segment, at: number): void {
    const { words } = segment;
    const hash = hashOf(words, at);
    const table = this.index.tableOf(hash);
    table.remove(table.slotOf(hash, segment.id, at));
    if (table.isSparse) this.index.shrink(hash);
    this.payloadBytes -= keyBytesOf(words, at) + valueBytesOf(words, at);
    const kept = keptOf(words, at);
    if (kept !== 0) this.kept.remove(kept);
    this.#leave(segment, at, wordsOf(words, at));
  }

  /** Lets nothing more into a segment. */
  seal(segment: Segment): void {
    segment.isSealed = true;
    if (segment.queue?.open === segment) segment.queue.open = undefined;
    this.#reconsider(segment);
  }

  clear(): void {
    for (const segment of this.memory.segments) {
      if (segment !== undefined) this.#release(segment);
    }
    this.memory.dropSpares();
    this.sparse = [];
    this.small.items = this.main.items = 0;
    this.payloadBytes = 0;
    this.kept.clear();
    this.index.clear();
  }

  /** The words of the segment that an entry needs to be allocated: 0 if the open one has room. */
  #segmentWordsFor(queue: SegmentQueue, words: number): number {
    const { standardWords } = this.memory;
    const tail = queue.open === undefined ? 0 : queue.open.words.length - queue.open.used;
    if (words <= tail) return 0;
    // Among entries of its size it would waste more of a segment's tail than one of its own costs.
    const fitting = Math.floor((standardWords - FIRST_WORD) / words);
    const wastedWords = standardWords - FIRST_WORD - fitting * words;
    const isDear = 4 * wastedWords > SEGMENT_OVERHEAD_BYTES * fitting;
    return fitting === 0 || isDear ? ownWordsFor(words) : standardWords;
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

  #enter(segment: Segment, queue: SegmentQueue, words: number): void {
    segment.used += words;
    segment.liveWords += words;
    queue.items++;
  }

  #leave(segment: Segment, at: number, words: number): void {
    markDead(segment.words, at);
    segment.liveWords -= words;
    if (segment.queue !== undefined) segment.queue.items--;
    this.#reconsider(segment);
  }

  #relink(segment: Segment, queue: SegmentQueue): void {
    if (segment.queue !== undefined) {
      segment.queue.items--;
      segment.queue.remove(segment);
    }
    queue.push(segment);
    queue.items++;
  }

  /** Releases a segment without life, and notes one with little. */
  #reconsider(segment: Segment): void {
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
