import { LRUCache } from "lru-cache";
import { SegmentStore } from "../../lib/store/segment_store.ts";

/** What is measured side by side. */
export interface Subject {
  set(key: string, value: Uint8Array): void;
  /** Asks for a key as a caller would, and returns how many bytes came. */
  get(key: string): number;
}

/** Our store, with so much memory; each hit makes a view. */
export function segmentStore(
  maxBytes: number,
  options?: { keepsDecoded: boolean },
): Subject & { store: SegmentStore } {
  const store = new SegmentStore({ maxBytes, ...options });
  return {
    store,
    set: (key, value) => store.set(key, value, Infinity),
    get(key) {
      const slot = store.find(key, 0);
      return slot < 0 ? 0 : store.view(slot).size;
    },
  };
}

/** lru-cache in its fastest form: bounded by a number of entries, without a size or a time each. */
export function lruCache(max: number): Subject {
  const cache = new LRUCache<string, Uint8Array>({ max });
  return {
    set: (key, value) => cache.set(key, value),
    get: (key) => cache.get(key)?.byteLength ?? 0,
  };
}
