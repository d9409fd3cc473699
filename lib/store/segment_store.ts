import type { ByteView } from "../byte_view.ts";
import { Budget } from "./budget.ts";
import {
  countUse,
  entryWords,
  expiresAtMsOf,
  isAlive,
  keptOf,
  keyBytesOf,
  setKept,
  usesOf,
  valueBytesOf,
  valueStartOf,
} from "./entry.ts";
import { EntryHeap, type NewEntry } from "./entry_heap.ts";
import { hottestOf } from "./hottest.ts";
import { type KeyHash, seededKeyHash } from "./key_hash.ts";
import { KeyReader } from "./key_reader.ts";
import { Lender } from "./lender.ts";
import { SLOT_BITS } from "./place_index.ts";
import { Reclaimer } from "./reclaimer.ts";
import { Segment } from "./segment.ts";
import { standardWordsFor } from "./segment_memory.ts";
import type { SegmentQueue } from "./segment_queue.ts";
import type { Slot, Store, StoredKey, StoreOptions, StoreStats } from "./store.ts";

/** An entry says in 32 bits how long its value is, and a segment in as many how far it is filled. */
const MAX_VALUE_BYTES = 2 ** 32 - 2 ** 20;

const NO_VALUE = new Uint8Array(0);
const NO_SEGMENT = new Segment(0, new ArrayBuffer(0));

const SLOT_MASK = (1 << SLOT_BITS) - 1;

/** How a {@linkcode SegmentStore} is made. */
export interface SegmentStoreOptions extends StoreOptions {
  /** How keys are hashed. @default a hash with a random seed */
  hash?: KeyHash;
}

/**
 * A store over append-only segments, which holds its memory to a bound and gives the collector
 * nothing to do.
 *
 * A key's hash leads through the index to a slot, the slot to a segment and a word in it, where
 * key, value and a few bits about them lie. New entries are appended to the small queue's open
 * segment, or to main's if they were dropped not long ago. Nothing is overwritten: room is made by
 * emptying a segment (see `Reclaimer`) and dropping it whole, while views keep the ones alive that
 * they point into. How much of that is done when is for the `Budget` to say.
 */
export class SegmentStore implements Store {
  readonly #hash: KeyHash;
  readonly #key = new KeyReader();
  readonly #heap: EntryHeap;
  readonly #reclaimer: Reclaimer;
  readonly #budget: Budget;
  readonly #lender: Lender;
  /** What comes in, written anew each time: an object for each would be garbage. */
  readonly #entry: NewEntry;
  /** The slot that was looked at last, and where its entry is: what was found is mostly wanted. */
  #foundSlot: Slot = -1;
  #found: Segment = NO_SEGMENT;
  #foundAt = 0;
  #nowMs = 0;
  #gets = 0;
  #hits = 0;
  #refused = 0;
  #displaced = 0;

  constructor({ maxBytes, hash = seededKeyHash() }: SegmentStoreOptions) {
    this.#hash = hash;
    this.#heap = new EntryHeap(standardWordsFor(maxBytes));
    this.#reclaimer = new Reclaimer(this.#heap);
    this.#budget = new Budget(this.#heap, this.#reclaimer);
    this.#lender = new Lender(this.#heap.memory);
    this.#entry = {
      hash: 0,
      key: this.#key,
      keyBytes: 0,
      value: NO_VALUE,
      valueBytes: 0,
      expiresAtMs: Infinity,
      uses: 0,
      words: 0,
    };
    this.maxBytes = maxBytes;
  }

  get maxBytes(): number {
    return this.#budget.maxBytes;
  }

  set maxBytes(maxBytes: number) {
    this.#budget.maxBytes = maxBytes;
    this.#lender.maxLentBytes = this.#budget.maxLentBytes;
  }

  find(key: string, nowMs: number): Slot {
    const slot = this.peek(key, nowMs);
    this.#gets++;
    if (slot < 0) return -1;
    this.#hits++;
    countUse(this.#found.words, this.#foundAt);
    return slot;
  }

  peek(key: string, nowMs: number): Slot {
    this.#nowMs = nowMs;
    this.#key.read(key);
    const slot = this.#locate(this.#hash(this.#key.words, this.#key.byteLength));
    return slot >= 0 && isAlive(this.#found.words, this.#foundAt, nowMs) ? slot : -1;
  }

  view(slot: Slot): ByteView {
    const segment = this.#segment(slot);
    const { words } = segment;
    const at = this.#foundAt;
    return this.#lender.lend(segment, 4 * valueStartOf(words, at), valueBytesOf(words, at));
  }

  borrow(slot: Slot): Uint8Array<ArrayBuffer> {
    const { buffer, words } = this.#segment(slot);
    const at = this.#foundAt;
    return new Uint8Array(buffer, 4 * valueStartOf(words, at), valueBytesOf(words, at));
  }

  expiresAtMs(slot: Slot): number {
    return expiresAtMsOf(this.#segment(slot).words, this.#foundAt);
  }

  kept(slot: Slot): unknown {
    const id = keptOf(this.#segment(slot).words, this.#foundAt);
    return id === 0 ? undefined : this.#heap.kept.get(id);
  }

  keep(slot: Slot, decoded: unknown, bytes: number): void {
    const { kept } = this.#heap;
    const { words } = this.#segment(slot);
    const at = this.#foundAt;
    const id = keptOf(words, at);
    if (bytes > this.#budget.maxKeptBytes) {
      if (id !== 0) kept.replace(id, undefined, 0);
      return;
    }
    if (id === 0) setKept(words, at, kept.add(decoded, bytes));
    else kept.replace(id, decoded, bytes);
    this.#budget.settle();
  }

  set(key: string, value: Uint8Array, expiresAtMs: number, usesElsewhere = 0): boolean {
    const heap = this.#heap;
    this.#reclaimer.nowMs = this.#nowMs;
    this.#key.read(key);
    const hash = this.#hash(this.#key.words, this.#key.byteLength);
    const words = entryWords(this.#key.byteLength, value.byteLength, expiresAtMs);
    const old = this.#forget(hash);
    const isRefused = value.byteLength > Math.min(this.maxBytes / 2, MAX_VALUE_BYTES);
    const queue = this.#queueFor(hash, words, old?.queue);
    if (isRefused || !this.#budget.makeRoom(queue, words) || !this.#makeSlot(hash)) {
      this.#refused++;
      this.#budget.settle();
      return false;
    }
    const entry = this.#entry;
    entry.hash = hash;
    entry.keyBytes = this.#key.byteLength;
    entry.value = value;
    entry.valueBytes = value.byteLength;
    entry.expiresAtMs = expiresAtMs;
    entry.uses = old?.uses ?? usesElsewhere;
    entry.words = words;
    const isHeld = heap.append(queue, entry);
    entry.value = NO_VALUE;
    if (!isHeld) this.#refused++;
    this.#budget.tidy(words, this.#nowMs);
    return this.#budget.settle() ? this.#locate(hash) >= 0 : isHeld;
  }

  delete(key: string): boolean {
    this.#key.read(key);
    const old = this.#forget(this.#hash(this.#key.words, this.#key.byteLength));
    if (old === undefined) return false;
    this.#budget.compact(old.words);
    return true;
  }

  clear(): void {
    this.#heap.clear();
    this.#found = NO_SEGMENT;
    this.#foundSlot = -1;
  }

  hottest(nowMs: number): Iterable<StoredKey> {
    return hottestOf(this.#heap, nowMs);
  }

  stats(): StoreStats {
    const { items, payloadBytes, memory } = this.#heap;
    return {
      items,
      payloadBytes,
      bytes: this.#budget.bytes,
      lentBytes: memory.strayBytes,
      gets: this.#gets,
      hits: this.#hits,
      evictions: this.#reclaimer.evictions + this.#displaced,
      refused: this.#refused,
    };
  }

  /** The segment of a slot's entry; `#foundAt` says where in it. */
  #segment(slot: Slot): Segment {
    if (slot !== this.#foundSlot) {
      const table = this.#heap.index.table(slot >>> SLOT_BITS);
      this.#found = this.#heap.memory.segments[table.segmentId(slot & SLOT_MASK)] as Segment;
      this.#foundAt = table.word(slot & SLOT_MASK);
      this.#foundSlot = slot;
    }
    return this.#found;
  }

  /** The slot of the key that was read last; `#found` and `#foundAt` say where its entry is. */
  #locate(hash: number): Slot {
    const key = this.#key;
    const { index, memory } = this.#heap;
    const table = index.tableOf(hash);
    for (let slot = table.next(table.home(hash), hash); slot >= 0;) {
      const segment = memory.segments[table.segmentId(slot)] as Segment;
      const at = table.word(slot);
      if (key.isAt(segment.words, at)) {
        this.#found = segment;
        this.#foundAt = at;
        return this.#foundSlot = table.id << SLOT_BITS | slot;
      }
      slot = table.next(slot + 1 & table.mask, hash);
    }
    return -1;
  }

  /** Drops the entry of the key that was read last, and tells what it was. */
  #forget(
    hash: number,
  ): { queue: SegmentQueue | undefined; uses: number; words: number } | undefined {
    if (this.#locate(hash) < 0) return undefined;
    const segment = this.#found;
    const at = this.#foundAt;
    const { words, queue } = segment;
    const uses = usesOf(words, at);
    const size = entryWords(
      keyBytesOf(words, at),
      valueBytesOf(words, at),
      expiresAtMsOf(words, at),
    );
    this.#heap.drop(segment, at);
    return { queue, uses, words: size };
  }

  #queueFor(hash: number, words: number, oldQueue: SegmentQueue | undefined): SegmentQueue {
    const { small, main } = this.#heap;
    const isGhost = this.#reclaimer.takeGhost(hash);
    if (isGhost || 4 * words > this.#reclaimer.smallBytes) return main;
    return oldQueue ?? small;
  }

  /** Makes sure that the index takes one more entry of this hash, at another's cost if need be. */
  #makeSlot(hash: number): boolean {
    const { index, memory } = this.#heap;
    const table = index.tableFor(hash);
    if (table.items < table.mask) return true;
    const slot = table.home(hash);
    this.#heap.drop(memory.segments[table.segmentId(slot)] as Segment, table.word(slot));
    this.#displaced++;
    return true;
  }
}
