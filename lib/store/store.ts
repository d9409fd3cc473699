import type { ByteView } from "../byte_view.ts";

/** How a {@linkcode Store} is made. */
export interface StoreOptions {
  /** Memory that the store may take, in bytes: keys, values, index, waste and what is kept decoded. */
  maxBytes: number;
}

/** What a store counts. `gets`, `hits`, `evictions` and `refused` only grow. */
export interface StoreStats {
  /** Entries held. */
  items: number;
  /** Bytes of the keys and values held. */
  payloadBytes: number;
  /** Memory taken, in bytes: all that `maxBytes` bounds. */
  bytes: number;
  /**
   * Memory of values that are held no more, in bytes, but seen by views, or not yet found by the
   * collector. The store takes less itself meanwhile, as far as a quarter of `maxBytes` goes.
   */
  lentBytes: number;
  /** Lookups. */
  gets: number;
  /** Lookups that found an entry. */
  hits: number;
  /** Entries dropped to make room. */
  evictions: number;
  /** Values not held because they were too large. */
  refused: number;
}

/**
 * A number by which a store names an entry. It is good until the next `set`, `delete`, `clear` or
 * `keep`, or the end of the turn; nobody may hold on to one.
 */
export type Slot = number;

/** A key that a store holds. */
export interface StoredKey {
  readonly key: string;
  /** The length of its value, in bytes. */
  readonly valueBytes: number;
}

/**
 * Values by key, in bounded memory: the insides of a group's main and hot caches.
 *
 * A hit allocates nothing but the view that it returns: `find` names the entry by a number, and
 * the other members read what they need of it.
 */
export interface Store {
  /** Memory that the store may take, in bytes. Lowering it takes effect at the next `set`. */
  maxBytes: number;
  /** The entry of `key` that lives at `nowMs`, or -1. It counts as a use of the entry. */
  find(key: string, nowMs: number): Slot;
  /** As `find`, but it counts as nothing. */
  peek(key: string, nowMs: number): Slot;
  /** The value of an entry; it stays valid and unchanged whatever becomes of the entry. */
  view(slot: Slot): ByteView;
  /** The value of an entry as it lies in memory, without a copy: good for as long as the slot. */
  borrow(slot: Slot): Uint8Array<ArrayBuffer>;
  /** When an entry ends, in Unix milliseconds; `Infinity` if never. */
  expiresAtMs(slot: Slot): number;
  /** What was kept beside an entry by `keep`, or `undefined`. */
  kept(slot: Slot): unknown;
  /**
   * Keeps a decoded value beside an entry for as long as the entry lives, or until memory is
   * wanted elsewhere. `bytes` is what it takes of the budget.
   */
  keep(slot: Slot, decoded: unknown, bytes: number): void;
  /**
   * Copies `value` in under `key`, in place of what was there. Returns false, and holds nothing
   * under the key, if the value is too large for the store.
   *
   * @param uses How often the entry is known to have been used elsewhere.
   */
  set(key: string, value: Uint8Array, expiresAtMs: number, uses?: number): boolean;
  /** Forgets `key`. Returns whether it was there. */
  delete(key: string): boolean;
  /** Forgets everything and gives its memory back. */
  clear(): void;
  /** The keys that live at `nowMs`, those in most demand first. */
  hottest(nowMs: number): Iterable<StoredKey>;
  /** The counters as they stand. */
  stats(): StoreStats;
}
