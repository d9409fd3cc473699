import type { ByteView } from "../byte_view.ts";

/** What a store counts. `gets`, `hits`, `evictions`, `expired` and `refused` only grow. */
export interface StoreStats {
  /** Entries held. */
  items: number;
  /** Bytes of the keys and values held. */
  payloadBytes: number;
  /** Memory taken, in bytes: everything that `maxBytes` bounds. */
  bytes: number;
  /**
   * Memory of dropped values that views still point into, or that the collector has yet to free, in
   * bytes. Meanwhile the store has less to use, down to three quarters of `maxBytes`.
   */
  lentBytes: number;
  /** Lookups. */
  gets: number;
  /** Lookups that found an entry. */
  hits: number;
  /** Entries dropped to make room. */
  evictions: number;
  /** Entries dropped because they had expired, unless something else had replaced them before. */
  expired: number;
  /** Values that were not stored because they were too large. */
  refused: number;
}

/**
 * A number that identifies an entry. It is valid until the next `set`, `delete`, `clear` or
 * `setDecoded`, or the end of the turn, so never hold on to one.
 */
export type Slot = number;

/** A key that a store holds. */
export interface StoredKey {
  readonly key: string;
  /** The length of its value, in bytes. */
  readonly valueBytes: number;
}

/**
 * Values by key, in bounded memory: what a group's main and hot caches are made of.
 *
 * A hit allocates nothing but the view it returns: `find` identifies the entry by a number, and the
 * other members read from it what is needed.
 */
export interface Store {
  /** The memory the store may take, in bytes. Lowering it takes effect at the next `set`. */
  maxBytes: number;
  /** Returns the entry of `key` that is alive at `nowMs`, or -1. Counts as a use of the entry. */
  find(key: string, nowMs: number): Slot;
  /** As `find`, but counts neither as a use nor as a lookup. */
  peek(key: string, nowMs: number): Slot;
  /** Returns an entry's value, which stays valid and unchanged whatever becomes of the entry. */
  view(slot: Slot): ByteView;
  /** Returns an entry's value without copying it. It is valid only as long as the slot. */
  borrow(slot: Slot): Uint8Array<ArrayBuffer>;
  /** Returns when an entry expires, in Unix milliseconds, or `Infinity` if never. */
  expiresAtMs(slot: Slot): number;
  /** Returns how often an entry was used recently, up to 3: eviction needs no more. */
  uses(slot: Slot): number;
  /**
   * Returns a time at or before the one at which an entry was stored: when the oldest of those that share
   * its segment was.
   */
  sinceMs(slot: Slot): number;
  /** Returns an entry's decoded value, or `undefined` if there is none. */
  decoded(slot: Slot): unknown;
  /**
   * Stores a decoded value with an entry. It stays until the entry goes or memory runs short.
   * `bytes` is how much memory it takes.
   */
  setDecoded(slot: Slot, value: unknown, bytes: number): void;
  /**
   * Stores a copy of `value` under `key`, in place of what was there. Returns false, and then holds
   * nothing under the key, if the value is too large for the store.
   *
   * @param uses How often the entry is known to have been used elsewhere. @default 0
   * @param nowMs The time. @default that of the last lookup
   */
  set(
    key: string,
    value: Uint8Array,
    expiresAtMs: number,
    uses?: number,
    nowMs?: number,
  ): boolean;
  /** Drops `key`. Returns whether it was there. */
  delete(key: string): boolean;
  /** Drops everything and frees its memory. */
  clear(): void;
  /** Lists the keys that are alive at `nowMs`, the most used first. */
  hottest(nowMs: number): Iterable<StoredKey>;
  /** Returns the current counters. */
  stats(): StoreStats;
}
