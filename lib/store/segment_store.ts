import type { ByteView } from "../byte_view.ts";
import { Budget } from "./budget.ts";
import {
  countUse,
  decodedIdOf,
  entryWords,
  expiresAtMsOf,
  hasDecodedId,
  isAlive,
  setDecodedId,
  usesOf,
  valueBytesOf,
  valueStartOf,
  wordsOf,
} from "./entry.ts";
import { EntryLog, type NewEntry } from "./entry_log.ts";
import { hottestOf } from "./hottest.ts";
import { SLOT_BITS } from "./index_bucket.ts";
import { type KeyHash, seededKeyHash } from "./key_hash.ts";
import { KeyReader } from "./key_reader.ts";
import { Lender } from "./lender.ts";
import { Reclaimer } from "./reclaimer.ts";
import { S3Fifo } from "./s3_fifo.ts";
import { Segment, type SegmentQueue } from "./segment.ts";
import { standardWordsFor } from "./segment_memory.ts";
import type { Slot, Store, StoredKey, StoreStats } from "./store.ts";

/** A value's length and a segment's fill level are stored in 32 bits. */
const MAX_VALUE_BYTES = 2 ** 32 - 2 ** 20;

const NO_VALUE = new Uint8Array(0);
const NO_SEGMENT = new Segment(0, new ArrayBuffer(0));

const SLOT_MASK = (1 << SLOT_BITS) - 1;

/**
 * A store over append-only segments, which keeps its memory within a bound and gives the collector
 * nothing to do.
 *
 * The index maps a key's hash to a segment and a word in it, where the key, the value and a few
 * bits about them are stored. New entries are appended to the open segment of the queue that the
 * eviction policy chooses (see `S3Fifo`). Nothing is ever overwritten: room is made by emptying a
 * segment (see `Reclaimer`) and dropping it as a whole, and a dropped segment stays in memory for
 * as long as views point into it. `Budget` decides when how much of that is done.
 */
export class SegmentStore implements Store {
  readonly #hash: KeyHash;
  readonly #key = new KeyReader();
  readonly #log: EntryLog;
  readonly #policy: S3Fifo;
  readonly #reclaimer: Reclaimer;
  readonly #budget: Budget;
  readonly #lender: Lender;
  /** The entry being appended; reused, because an object for each would be garbage. */
  readonly #entry: NewEntry;
  /** The slot located last, and where its entry is: what was found is usually read next. */
  #foundSlot: Slot = -1;
  #found: Segment = NO_SEGMENT;
  #foundAt = 0;
  #nowMs = 0;
  #gets = 0;
  #hits = 0;
  #refused = 0;
  #displaced = 0;

  constructor(
    { maxBytes, hash = seededKeyHash(), keepsDecoded = true }: SegmentStoreOptions,
  ) {
    this.#hash = hash;
    this.#log = new EntryLog(standardWordsFor(maxBytes));
    this.#policy = new S3Fifo(this.#log.index);
    this.#reclaimer = new Reclaimer(this.#log, this.#policy);
    this.#budget = new Budget(this.#log, this.#reclaimer);
    this.#lender = new Lender(this.#log.memory);
    this.#entry = {
      hash: 0,
      key: this.#key,
      keyBytes: 0,
      value: NO_VALUE,
      valueBytes: 0,
      expiresAtMs: Infinity,
      uses: 0,
      hasDecodedId: keepsDecoded,
      words: 0,
      storedAtMs: 0,
    };
    this.maxBytes = maxBytes;
  }

  get maxBytes(): number {
    return this.#budget.maxBytes;
  }

  set maxBytes(maxBytes: number) {
    this.#budget.maxBytes = maxBytes;
    this.#policy.maxBytes = maxBytes;
    this.#lender.maxLentBytes = this.#budget.maxLentBytes;
    // Otherwise it would be over a lower limit until something is stored.
    this.#budget.settle();
  }

  find(key: string, nowMs: number): Slot {
    const slot = this.peek(key, nowMs);
    this.#gets++;
    if (slot < 0) return -1;
    this.#hits++;
    this.#found.isUsed = true;
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
    return this.#lender.view(segment, 4 * valueStartOf(words, at), valueBytesOf(words, at));
  }

  borrow(slot: Slot): Uint8Array<ArrayBuffer> {
    const { buffer, words } = this.#segment(slot);
    const at = this.#foundAt;
    return new Uint8Array(buffer, 4 * valueStartOf(words, at), valueBytesOf(words, at));
  }

  expiresAtMs(slot: Slot): number {
    return expiresAtMsOf(this.#segment(slot).words, this.#foundAt);
  }

  sinceMs(slot: Slot): number {
    return this.#segment(slot).sinceMs;
  }

  uses(slot: Slot): number {
    return usesOf(this.#segment(slot).words, this.#foundAt);
  }

  decoded(slot: Slot): unknown {
    const id = decodedIdOf(this.#segment(slot).words, this.#foundAt);
    return id === 0 ? undefined : this.#log.decoded.get(id);
  }

  setDecoded(slot: Slot, value: unknown, bytes: number): void {
    const { decoded } = this.#log;
    const { words } = this.#segment(slot);
    const at = this.#foundAt;
    if (!hasDecodedId(words, at)) return;
    const id = decodedIdOf(words, at);
    if (!(bytes >= 0 && bytes <= this.#budget.maxDecodedBytes)) {
      if (id !== 0) decoded.replace(id, undefined, 0);
      return;
    }
    if (id === 0) setDecodedId(words, at, decoded.add(value, bytes));
    else decoded.replace(id, value, bytes);
    this.#budget.settle();
  }

  set(
    key: string,
    value: Uint8Array,
    expiresAtMs: number,
    usesElsewhere = 0,
    nowMs: number = this.#nowMs,
  ): boolean {
    this.#reclaimer.nowMs = this.#nowMs;
    this.#key.read(key);
    const hash = this.#hash(this.#key.words, this.#key.byteLength);
    const entry = this.#entry;
    entry.hash = hash;
    entry.keyBytes = this.#key.byteLength;
    entry.valueBytes = value.byteLength;
    entry.expiresAtMs = expiresAtMs;
    const words = entryWords(entry);
    const old = this.#drop(hash);
    const isTooLarge = value.byteLength > Math.min(this.maxBytes / 2, MAX_VALUE_BYTES);
    entry.uses = old?.uses ?? usesElsewhere;
    const queue = this.#policy.queueFor(entry, old?.queue);
    if (isTooLarge || !this.#budget.makeRoom(queue, words)) {
      this.#refused++;
      this.#budget.settle();
      return false;
    }
    this.#makeSlot(hash);
    entry.value = value;
    entry.words = words;
    entry.storedAtMs = nowMs;
    const isStored = this.#log.append(queue, entry);
    entry.value = NO_VALUE;
    if (!isStored) this.#refused++;
    this.#budget.tidy(words, this.#nowMs);
    return this.#budget.settle() ? this.#locate(hash) >= 0 : isStored;
  }

  delete(key: string): boolean {
    this.#key.read(key);
    const old = this.#drop(this.#hash(this.#key.words, this.#key.byteLength));
    if (old === undefined) return false;
    this.#budget.compact(old.words);
    return true;
  }

  clear(): void {
    this.#log.clear();
    this.#found = NO_SEGMENT;
    this.#foundSlot = -1;
  }

  hottest(nowMs: number): Iterable<StoredKey> {
    return hottestOf(this.#policy.queues, nowMs);
  }

  stats(): StoreStats {
    const { items, payloadBytes, memory } = this.#log;
    return {
      items,
      payloadBytes,
      bytes: this.#budget.bytes,
      lentBytes: memory.strayBytes,
      gets: this.#gets,
      hits: this.#hits,
      evictions: this.#reclaimer.evictions + this.#displaced,
      expired: this.#log.expired,
      refused: this.#refused,
    };
  }

  /** Returns the segment of a slot's entry and sets `#foundAt` to where in it the entry starts. */
  #segment(slot: Slot): Segment {
    if (slot !== this.#foundSlot) {
      const bucket = this.#log.index.bucket(slot >>> SLOT_BITS);
      this.#found = this.#log.memory.segments[bucket.segmentId(slot & SLOT_MASK)] as Segment;
      this.#foundAt = bucket.word(slot & SLOT_MASK);
      this.#foundSlot = slot;
    }
    return this.#found;
  }

  /** Returns the slot of the key read last, and sets `#found` and `#foundAt` to its entry. */
  #locate(hash: number): Slot {
    const key = this.#key;
    const { index, memory } = this.#log;
    const bucket = index.bucketOf(hash);
    for (let slot = bucket.next(bucket.home(hash), hash); slot >= 0;) {
      const segment = memory.segments[bucket.segmentId(slot)] as Segment;
      const at = bucket.word(slot);
      if (key.isAt(segment.words, at)) {
        this.#found = segment;
        this.#foundAt = at;
        return this.#foundSlot = bucket.id << SLOT_BITS | slot;
      }
      slot = bucket.next(slot + 1 & bucket.mask, hash);
    }
    return -1;
  }

  /** Drops the entry of the key read last, and returns what is worth knowing about it. */
  #drop(
    hash: number,
  ): { queue: SegmentQueue | undefined; uses: number; words: number } | undefined {
    if (this.#locate(hash) < 0) return undefined;
    const segment = this.#found;
    const at = this.#foundAt;
    const { queue } = segment;
    const [uses, words] = [usesOf(segment.words, at), wordsOf(segment.words, at)];
    this.#log.drop(segment, at);
    return { queue, uses, words };
  }

  /** Makes sure that the index has room for this hash, if need be at the expense of another entry. */
  #makeSlot(hash: number): void {
    const { index, memory } = this.#log;
    const bucket = index.bucketWithRoom(hash);
    if (bucket.items < bucket.mask) return;
    const home = bucket.home(hash);
    // One slot is free, and it may be this one: then its neighbour's entry has to go.
    const slot = bucket.isFree(home) ? home + 1 & bucket.mask : home;
    this.#log.drop(memory.segments[bucket.segmentId(slot)] as Segment, bucket.word(slot));
    this.#displaced++;
  }
}

/** Options for {@linkcode SegmentStore}. */
export interface SegmentStoreOptions {
  /** The memory the store may take, in bytes: keys, values, index, waste and decoded values. */
  maxBytes: number;
  /** The hash of keys. @default a hash with a random seed */
  hash?: KeyHash;
  /** Whether decoded values can be stored with entries, which takes 4 bytes of each. @default true */
  keepsDecoded?: boolean;
}
