import { borrowBytes, type ByteView, viewOf } from "../byte_view.ts";
import type { Clock } from "../timing/clock.ts";
import { type Codec, decodesAtOnce } from "../codec.ts";
import type { BorrowedValue, EncodedValue } from "../peer/peer.ts";
import type { Inspection } from "../process_report.ts";
import type { CacheStats, Counters, GroupStats } from "../stats.ts";
import { SegmentStore } from "../store/segment_store.ts";
import type { Slot, Store, StoredKey } from "../store/store.ts";

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
  expired: 0,
  refused: 0,
};

/** What is known of an entry. */
type InspectedEntry = Pick<Inspection, "held" | "valueBytes" | "ageMs" | "leftMs" | "uses">;

/** The result of a lookup that found nothing: `undefined` may be a value. */
export const MISS: unique symbol = Symbol("miss");

/** The memory of a group: the main cache and the hot cache, within one budget. */
export class GroupMemory<T> {
  #options: GroupMemoryOptions<T>;
  #counters: Pick<Counters, "answers" | "peerAnswers">;
  #main: Store;
  /** Created with the first mirror: a process without peers never needs it. */
  #hot: Store | undefined;
  /** Whether any entry ever had an expiry: skipping the clock read saves 60 ns per hit. */
  #hasExpiring = false;
  /** How often anything was stored or removed: a `decode` may call `set`, and then its value is old. */
  #changes = 0;
  #decodesAtOnce: boolean;

  constructor(options: GroupMemoryOptions<T>) {
    this.#options = options;
    this.#counters = options.counters;
    this.#decodesAtOnce = decodesAtOnce(options.codec);
    this.#main = this.#createStore(options.maxBytes);
  }

  /** Returns the decoded value of a key. */
  get(key: string): T | typeof MISS {
    const now = this.#now();
    const slot = this.#main.find(key, now);
    if (slot >= 0) {
      const value = this.#decode(this.#main, slot);
      this.#counters.answers.main++;
      return value;
    }
    if (this.#hot === undefined) return MISS;
    const hotSlot = this.#hot.find(key, now);
    if (!this.#isFresh(hotSlot, now)) return MISS;
    const value = this.#decode(this.#hot, hotSlot);
    this.#counters.answers.mirror++;
    return value;
  }

  /** As `get`, but counts neither as a lookup nor as a use. */
  peek(key: string): T | typeof MISS {
    const now = this.#now();
    const slot = this.#main.peek(key, now);
    if (slot >= 0) return this.#decode(this.#main, slot);
    if (this.#hot === undefined) return MISS;
    const hotSlot = this.#hot.peek(key, now);
    return this.#isFresh(hotSlot, now) ? this.#decode(this.#hot, hotSlot) : MISS;
  }

  /** Returns the encoded value of a key, for a peer. */
  find(key: string): BorrowedValue | undefined {
    const now = this.#now();
    const slot = this.#main.find(key, now);
    if (slot >= 0) {
      this.#counters.peerAnswers.main++;
      return { value: this.#main.borrow(slot), expiresAtMs: this.#main.expiresAtMs(slot) };
    }
    if (this.#hot === undefined) return undefined;
    const hotSlot = this.#hot.find(key, now);
    if (!this.#isFresh(hotSlot, now)) return undefined;
    this.#counters.peerAnswers.mirror++;
    return { value: this.#hot.borrow(hotSlot), expiresAtMs: this.#endOfMirror(hotSlot) };
  }

  /** As `find`, but the value stays valid, and is not counted as an answer. */
  hold(key: string): EncodedValue | undefined {
    const held = this.view(key);
    if (held !== undefined || this.#hot === undefined) return held;
    const now = this.#now();
    const hotSlot = this.#hot.peek(key, now);
    if (!this.#isFresh(hotSlot, now)) return undefined;
    return { view: this.#hot.view(hotSlot), expiresAtMs: this.#endOfMirror(hotSlot) };
  }

  /** Stores a value in the main cache. Returns a view of the stored bytes, if it was stored. */
  keep(key: string, bytes: Uint8Array, expiresAtMs: number): ByteView | undefined {
    const now = this.#options.clock.now();
    this.#changes++;
    this.#hot?.delete(key);
    if (expiresAtMs <= now) {
      this.#main.delete(key);
      return undefined;
    }
    if (expiresAtMs !== Infinity) this.#hasExpiring = true;
    if (!this.#main.set(key, bytes, expiresAtMs, 0, now)) {
      this.#options.onRefused?.(key, bytes.byteLength);
      return undefined;
    }
    const slot = this.#main.peek(key, now);
    return slot >= 0 ? this.#main.view(slot) : undefined;
  }

  /** Stores a value that another process hands off, unless the key has one. Returns whether it did. */
  acceptHandoff(key: string, value: EncodedValue): boolean {
    const now = this.#options.clock.now();
    if (value.expiresAtMs <= now || this.holds(key)) return false;
    if (value.expiresAtMs !== Infinity) this.#hasExpiring = true;
    this.#changes++;
    this.#hot?.delete(key);
    // Already promoted by its previous owner, so it enters the main queue directly.
    return this.#main.set(key, borrowBytes(value.view), value.expiresAtMs, 1, now);
  }

  /** The value of a key in the main cache, without counting a hit. */
  view(key: string): EncodedValue | undefined {
    const slot = this.#main.peek(key, this.#options.clock.now());
    if (slot < 0) return undefined;
    return { view: this.#main.view(slot), expiresAtMs: this.#main.expiresAtMs(slot) };
  }

  /** Whether the main cache has a key. */
  holds(key: string): boolean {
    return this.#main.peek(key, this.#options.clock.now()) >= 0;
  }

  /** The keys of the main cache, the most used first. */
  hottest(): Iterable<StoredKey> {
    return this.#main.hottest(this.#options.clock.now());
  }

  /** Whether there is a mirror of a key, even one that may not be served before its owner is asked. */
  isMirrored(key: string): boolean {
    return this.#hot !== undefined && this.#hot.peek(key, this.#options.clock.now()) >= 0;
  }

  /**
   * Stores a mirror of a value that another process owns. Returns whether that evicted other
   * mirrors.
   */
  mirror(key: string, value: EncodedValue): boolean {
    const { maxBytes, mirrorTtlMs, clock } = this.#options;
    const now = clock.now();
    this.#hot ??= this.#createStore(maxBytes * HOT_SHARE);
    this.#hasExpiring = true;
    this.#changes++;
    const evictions = this.#hot.stats().evictions;
    const endOfMirror = Math.min(value.expiresAtMs, now + mirrorTtlMs);
    // It is remembered for twice the time that it may be served: if the key is asked for in the
    // second half, the owner's next answer is mirrored again.
    this.#hot.set(key, borrowBytes(value.view), endOfMirror + this.#graceMs, 0, now);
    const stats = this.#hot.stats();
    this.#main.maxBytes = maxBytes - stats.bytes;
    return stats.evictions > evictions;
  }

  /** Removes a key from both caches. */
  drop(key: string): void {
    this.#changes++;
    this.#main.delete(key);
    this.#hot?.delete(key);
  }

  /** Removes everything. */
  clear(): void {
    this.#changes++;
    this.#main.clear();
    this.#hot?.clear();
    // An empty hot cache takes memory, too.
    this.#main.maxBytes = this.#options.maxBytes - (this.#hot?.stats().bytes ?? 0);
  }

  /** Tells which cache holds a key and what is known of it, without using the entry. */
  inspect(key: string): InspectedEntry {
    const now = this.#options.clock.now();
    const slot = this.#main.peek(key, now);
    if (slot >= 0) {
      const leftMs = this.#main.expiresAtMs(slot) - now;
      const { ttlMs } = this.#options;
      const hasAge = typeof ttlMs === "number" && leftMs <= ttlMs && ttlMs < Infinity;
      const ageMs = hasAge ? ttlMs - leftMs : now - this.#main.sinceMs(slot);
      return this.#told("main", this.#main, slot, { leftMs, ageMs });
    }
    const hotSlot = this.#hot?.peek(key, now) ?? -1;
    if (this.#hot !== undefined && this.#isFresh(hotSlot, now)) {
      const leftMs = this.#endOfMirror(hotSlot) - now;
      const ageMs = now - this.#hot.sinceMs(hotSlot);
      return this.#told("hot", this.#hot, hotSlot, { leftMs, ageMs });
    }
    return { held: null, valueBytes: null, ageMs: null, leftMs: null, uses: null };
  }

  #told(
    held: "main" | "hot",
    store: Store,
    slot: Slot,
    { leftMs, ageMs }: { leftMs: number; ageMs: number },
  ): InspectedEntry {
    return {
      held,
      valueBytes: store.borrow(slot).byteLength,
      ageMs,
      leftMs: leftMs === Infinity ? null : leftMs,
      uses: store.uses(slot),
    };
  }

  /** The memory that the group may take, in bytes. */
  get maxBytes(): number {
    return this.#options.maxBytes;
  }

  /** Whether a value is too large to be kept. */
  isTooLarge(valueBytes: number): boolean {
    return valueBytes > this.#options.maxBytes / 2;
  }

  /** Contents and counters of both caches. */
  stats(): Pick<GroupStats, "maxBytes" | "main" | "hot"> {
    const { maxBytes } = this.#options;
    return { maxBytes, main: this.#main.stats(), hot: this.#hot?.stats() ?? EMPTY };
  }

  #createStore(maxBytes: number): Store {
    const keepsDecoded = this.#options.codec.decodedBytes !== undefined;
    return new SegmentStore({ maxBytes, keepsDecoded });
  }

  /** The time; 0 as long as no entry expires. */
  #now(): number {
    return this.#hasExpiring ? this.#options.clock.now() : 0;
  }

  #decode(store: Store, slot: number): T {
    const { codec } = this.#options;
    if (codec.decodedBytes === undefined) return codec.decode(this.#viewOf(store, slot));
    const decoded = store.decoded(slot);
    return decoded !== undefined ? decoded as T : this.#decodeAndKeep(store, slot);
  }

  #decodeAndKeep(store: Store, slot: number): T {
    const { codec } = this.#options;
    const changes = this.#changes;
    const value = codec.decode(this.#viewOf(store, slot));
    const bytes = codec.decodedBytes?.(value) ?? NaN;
    if (changes === this.#changes && Number.isFinite(bytes) && bytes >= 0) {
      store.setDecoded(slot, value, bytes);
    }
    return value;
  }

  /** Returns a view to decode. A store's own view may tie up its memory until it is collected. */
  #viewOf(store: Store, slot: number): ByteView {
    return this.#decodesAtOnce ? viewOf(store.borrow(slot)) : store.view(slot);
  }

  #isFresh(hotSlot: number, nowMs: number): boolean {
    return hotSlot >= 0 && this.#endOfMirror(hotSlot) > nowMs;
  }

  /** How much longer a mirror is remembered than it may be served, in milliseconds. */
  get #graceMs(): number {
    const { mirrorTtlMs } = this.#options;
    return mirrorTtlMs === Infinity ? 0 : mirrorTtlMs;
  }

  #endOfMirror(hotSlot: number): number {
    return (this.#hot?.expiresAtMs(hotSlot) ?? 0) - this.#graceMs;
  }
}

/** Options for {@linkcode GroupMemory}. */
export interface GroupMemoryOptions<T> {
  maxBytes: number;
  // deno-lint-ignore no-explicit-any -- only decoding is done here
  codec: Codec<T, any>;
  /** How long values are served, if that is the same for all, in milliseconds. */
  ttlMs?: number | ((...args: never[]) => number);
  /** How long a mirror is served before its owner is asked again, in milliseconds. */
  mirrorTtlMs: number;
  clock: Clock;
  /** Called with each value that is too large to be stored: it exceeds half of the memory. */
  onRefused?: (key: string, valueBytes: number) => void;
  /** Where hits are counted. */
  counters: Pick<Counters, "answers" | "peerAnswers">;
}
