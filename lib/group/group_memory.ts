import { borrowBytes, type ByteView } from "../byte_view.ts";
import type { Clock } from "../timing/clock.ts";
import type { Codec } from "../codec.ts";
import type { BorrowedValue, EncodedValue } from "../peer/peer.ts";
import type { CacheStats } from "../stats.ts";
import { SegmentStore } from "../store/segment_store.ts";
import type { Store, StoredKey } from "../store/store.ts";

/** The share of a group's memory that mirrors may take. */
const HOT_SHARE = 1 / 8;

const EMPTY: CacheStats = {
  items: 0,
  payloadBytes: 0,
  bytes: 0,
  lentBytes: 0,
  gets: 0,
  hits: 0,
  evictions: 0,
  refused: 0,
};

/** How a {@linkcode GroupMemory} is made. */
export interface GroupMemoryOptions<T> {
  maxBytes: number;
  // deno-lint-ignore no-explicit-any -- only decoding is done here
  codec: Codec<T, any>;
  /** How long a mirror is served before its owner is asked again, in milliseconds. */
  mirrorTtlMs: number;
  clock: Clock;
}

/** Stands for "nothing found" where any value may be one. */
export const MISS: unique symbol = Symbol("miss");

/** What a group holds: the main cache and the hot cache, in one budget. */
export class GroupMemory<T> {
  #options: GroupMemoryOptions<T>;
  #main: Store;
  /** Made when the first mirror is kept: most groups of a single process never need it. */
  #hot: Store | undefined;
  /** Whether anything that ends ever came in: a hit without a look at the clock costs 60 ns less. */
  #hasExpiring = false;

  constructor(options: GroupMemoryOptions<T>) {
    this.#options = options;
    this.#main = new SegmentStore({ maxBytes: options.maxBytes });
  }

  /** The value of a key, as callers get it. */
  get(key: string): T | typeof MISS {
    const now = this.#now();
    const slot = this.#main.find(key, now);
    if (slot >= 0) return this.#decode(this.#main, slot);
    if (this.#hot === undefined) return MISS;
    const hotSlot = this.#hot.find(key, now);
    return this.#isFresh(hotSlot, now) ? this.#decode(this.#hot, hotSlot) : MISS;
  }

  /** As `get`, but it counts as nothing. */
  peek(key: string): T | typeof MISS {
    const now = this.#now();
    const slot = this.#main.peek(key, now);
    if (slot >= 0) return this.#decode(this.#main, slot);
    if (this.#hot === undefined) return MISS;
    const hotSlot = this.#hot.peek(key, now);
    return this.#isFresh(hotSlot, now) ? this.#decode(this.#hot, hotSlot) : MISS;
  }

  /** The value of a key, as peers get it. */
  find(key: string): BorrowedValue | undefined {
    const now = this.#now();
    const slot = this.#main.find(key, now);
    if (slot >= 0) {
      return { value: this.#main.borrow(slot), expiresAtMs: this.#main.expiresAtMs(slot) };
    }
    if (this.#hot === undefined) return undefined;
    const hotSlot = this.#hot.find(key, now);
    if (!this.#isFresh(hotSlot, now)) return undefined;
    return { value: this.#hot.borrow(hotSlot), expiresAtMs: this.#endOfMirror(hotSlot) };
  }

  /** Keeps the value of a key that belongs here. Returns a view of what was kept, if it was. */
  keep(key: string, bytes: Uint8Array, expiresAtMs: number): ByteView | undefined {
    const now = this.#options.clock.now();
    this.#hot?.delete(key);
    if (expiresAtMs <= now) {
      this.#main.delete(key);
      return undefined;
    }
    if (expiresAtMs !== Infinity) this.#hasExpiring = true;
    if (!this.#main.set(key, bytes, expiresAtMs)) return undefined;
    const slot = this.#main.peek(key, now);
    return slot >= 0 ? this.#main.view(slot) : undefined;
  }

  /** Keeps a value that another process hands over, unless there is one. Returns whether it did. */
  acceptHandoff(key: string, value: EncodedValue): boolean {
    const now = this.#options.clock.now();
    if (value.expiresAtMs <= now || this.holds(key)) return false;
    this.#hot?.delete(key);
    // It has proved itself where it comes from: what comes in behind it must not push it out.
    return this.#main.set(key, borrowBytes(value.view), value.expiresAtMs, 1);
  }

  /** Whether a key that belongs here has a value. */
  holds(key: string): boolean {
    return this.#main.peek(key, this.#options.clock.now()) >= 0;
  }

  /** The keys that belong here, those in most demand first. */
  hottest(): Iterable<StoredKey> {
    return this.#main.hottest(this.#options.clock.now());
  }

  /** Whether there is a mirror of a key, be it one whose owner is to be asked again. */
  isMirrored(key: string): boolean {
    return this.#hot !== undefined && this.#hot.peek(key, this.#options.clock.now()) >= 0;
  }

  /**
   * Keeps a mirror of a value that belongs to another process. Returns whether that pushed other
   * mirrors out.
   */
  mirror(key: string, value: EncodedValue): boolean {
    const { maxBytes, mirrorTtlMs, clock } = this.#options;
    this.#hot ??= new SegmentStore({ maxBytes: maxBytes * HOT_SHARE });
    this.#hasExpiring = true;
    const evictions = this.#hot.stats().evictions;
    const endOfMirror = Math.min(value.expiresAtMs, clock.now() + mirrorTtlMs);
    // It is known for as long again as it may be served: whether it still is in demand then decides
    // whether it is kept when the owner has been asked again.
    this.#hot.set(key, borrowBytes(value.view), endOfMirror + mirrorTtlMs);
    const stats = this.#hot.stats();
    this.#main.maxBytes = maxBytes - stats.bytes;
    return stats.evictions > evictions;
  }

  /** Forgets a key. */
  drop(key: string): void {
    this.#main.delete(key);
    this.#hot?.delete(key);
  }

  /** Forgets everything. */
  clear(): void {
    this.#main.clear();
    this.#hot?.clear();
    this.#main.maxBytes = this.#options.maxBytes;
  }

  /** What both caches hold and count. */
  stats(): { main: CacheStats; hot: CacheStats } {
    return { main: this.#main.stats(), hot: this.#hot?.stats() ?? EMPTY };
  }

  /** The time, or any time as long as nothing ends. */
  #now(): number {
    return this.#hasExpiring ? this.#options.clock.now() : 0;
  }

  #decode(store: Store, slot: number): T {
    const { codec } = this.#options;
    if (codec.decodedBytes === undefined) return codec.decode(store.view(slot));
    const decoded = store.decoded(slot);
    if (decoded !== undefined) return decoded as T;
    const value = codec.decode(store.view(slot));
    store.setDecoded(slot, value, codec.decodedBytes(value));
    return value;
  }

  #isFresh(hotSlot: number, nowMs: number): boolean {
    return hotSlot >= 0 && this.#endOfMirror(hotSlot) > nowMs;
  }

  #endOfMirror(hotSlot: number): number {
    return (this.#hot?.expiresAtMs(hotSlot) ?? 0) - this.#options.mirrorTtlMs;
  }
}
