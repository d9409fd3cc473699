import { type ByteView, viewOf } from "../byte_view.ts";
import type { Slot, Store, StoreOptions, StoreStats } from "./store.ts";

/** What an entry is taken to cost beyond its key and value: measured 520 bytes in V8. */
const OVERHEAD_BYTES = 600;

interface Entry {
  key: string;
  value: Uint8Array<ArrayBuffer>;
  expiresAtMs: number;
  decoded: unknown;
  decodedBytes: number;
}

/** A store over a `Map`, least recently used first. */
export class MapStore implements Store {
  maxBytes: number;
  #entries = new Map<string, Entry>();
  #found: Entry | undefined;
  #stats: StoreStats = { items: 0, bytes: 0, gets: 0, hits: 0, evictions: 0 };

  constructor(options: StoreOptions) {
    this.maxBytes = options.maxBytes;
  }

  find(key: string, nowMs: number): Slot {
    this.#stats.gets++;
    if (this.peek(key, nowMs) < 0) return -1;
    this.#stats.hits++;
    const entry = this.#entry();
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return 0;
  }

  peek(key: string, nowMs: number): Slot {
    this.#found = this.#entries.get(key);
    if (this.#found === undefined) return -1;
    if (this.#found.expiresAtMs > nowMs) return 0;
    this.delete(key);
    return -1;
  }

  view(_slot: Slot): ByteView {
    return viewOf(this.#entry().value);
  }

  expiresAtMs(_slot: Slot): number {
    return this.#entry().expiresAtMs;
  }

  kept(_slot: Slot): unknown {
    return this.#entry().decoded;
  }

  keep(_slot: Slot, decoded: unknown, bytes: number): void {
    const entry = this.#entry();
    this.#stats.bytes += bytes - entry.decodedBytes;
    entry.decoded = decoded;
    entry.decodedBytes = bytes;
    this.#evict();
  }

  set(key: string, value: Uint8Array, expiresAtMs: number): boolean {
    this.delete(key);
    const bytes = OVERHEAD_BYTES + 2 * key.length + value.byteLength;
    if (bytes > this.maxBytes / 2) return false;
    this.#entries.set(key, {
      key,
      value: new Uint8Array(value),
      expiresAtMs,
      decoded: undefined,
      decodedBytes: 0,
    });
    this.#stats.bytes += bytes;
    this.#evict();
    return true;
  }

  delete(key: string): boolean {
    const entry = this.#entries.get(key);
    if (entry === undefined) return false;
    this.#stats.bytes -= costOf(entry);
    return this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
    this.#stats.bytes = 0;
  }

  stats(): StoreStats {
    return { ...this.#stats, items: this.#entries.size };
  }

  #entry(): Entry {
    if (this.#found === undefined) throw new Error("Cannot read entry: no slot was found");
    return this.#found;
  }

  #evict(): void {
    for (const key of this.#entries.keys()) {
      if (this.#stats.bytes <= this.maxBytes) return;
      this.delete(key);
      this.#stats.evictions++;
    }
  }
}

function costOf(entry: Entry): number {
  return OVERHEAD_BYTES + 2 * entry.key.length + entry.value.byteLength + entry.decodedBytes;
}
