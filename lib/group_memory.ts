import { borrowBytes, type ByteView } from "./byte_view.ts";
import type { Clock } from "./clock.ts";
import type { Codec } from "./codec.ts";
import type { EncodedValue } from "./peer/peer.ts";
import type { CacheStats } from "./stats.ts";
import { SegmentStore } from "./store/segment_store.ts";
import type { Store } from "./store/store.ts";

/** The share of a group's memory that mirrors may take. */
const HOT_SHARE = 1 / 8;

const EMPTY: CacheStats = {
  items: 0,
  payloadBytes: 0,
  bytes: 0,
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

  constructor(options: GroupMemoryOptions<T>) {
    this.#options = options;
    this.#main = new SegmentStore({ maxBytes: options.maxBytes });
  }

  /** The value of a key, as callers get it. */
  get(key: string): T | typeof MISS {
    const now = this.#options.clock.now();
    const slot = this.#main.find(key, now);
    if (slot >= 0) return this.#decode(this.#main, slot);
    if (this.#hot === undefined) return MISS;
    const hotSlot = this.#hot.find(key, now);
    return hotSlot >= 0 ? this.#decode(this.#hot, hotSlot) : MISS;
  }

  /** As `get`, but it counts as nothing. */
  peek(key: string): T | typeof MISS {
    const now = this.#options.clock.now();
    const slot = this.#main.peek(key, now);
    if (slot >= 0) return this.#decode(this.#main, slot);
    if (this.#hot === undefined) return MISS;
    const hotSlot = this.#hot.peek(key, now);
    return hotSlot >= 0 ? this.#decode(this.#hot, hotSlot) : MISS;
  }

  /** The value of a key, as peers get it. */
  find(key: string): EncodedValue | undefined {
    const now = this.#options.clock.now();
    return encodedAt(this.#main, this.#main.find(key, now)) ??
      (this.#hot && encodedAt(this.#hot, this.#hot.find(key, now)));
  }

  /** Keeps the value of a key that belongs here. Returns a view of what was kept, if it was. */
  keep(key: string, bytes: Uint8Array, expiresAtMs: number): ByteView | undefined {
    const now = this.#options.clock.now();
    this.#hot?.delete(key);
    if (expiresAtMs <= now) {
      this.#main.delete(key);
      return undefined;
    }
    if (!this.#main.set(key, bytes, expiresAtMs)) return undefined;
    return encodedAt(this.#main, this.#main.peek(key, now))?.view;
  }

  /** Keeps a mirror of a value that belongs to another process. */
  mirror(key: string, value: EncodedValue): void {
    this.#hot ??= new SegmentStore({ maxBytes: this.#options.maxBytes * HOT_SHARE });
    this.#hot.set(key, borrowBytes(value.view), value.expiresAtMs);
    this.#main.maxBytes = this.#options.maxBytes - this.#hot.stats().bytes;
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

  #decode(store: Store, slot: number): T {
    const { codec } = this.#options;
    if (codec.decodedBytes === undefined) return codec.decode(store.view(slot));
    const kept = store.kept(slot);
    if (kept !== undefined) return kept as T;
    const value = codec.decode(store.view(slot));
    store.keep(slot, value, codec.decodedBytes(value));
    return value;
  }
}

function encodedAt(store: Store, slot: number): EncodedValue | undefined {
  if (slot < 0) return undefined;
  return { view: store.view(slot), expiresAtMs: store.expiresAtMs(slot) };
}
