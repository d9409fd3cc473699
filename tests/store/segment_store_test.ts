import { assert, assertEquals } from "@std/assert";
import { SegmentStore } from "../../lib/store/segment_store.ts";
import { test } from "../runtime.ts";
import { testStore } from "./store_conformance.ts";

testStore("SegmentStore", (maxBytes) => new SegmentStore({ maxBytes }));
testStore(
  "SegmentStore with a hash that always collides",
  (maxBytes) => new SegmentStore({ maxBytes, hash: () => 42 }),
);

test("SegmentStore.set() keeps what was used elsewhere rather than what was not", () => {
  const store = new SegmentStore({ maxBytes: 1 << 20 });
  const value = new Uint8Array(1000);
  for (let i = 0; i < 100; i++) store.set(`proven ${i}`, value, Infinity, 1);
  for (let i = 0; i < 100; i++) store.set(`unproven ${i}`, value, Infinity);
  for (let i = 0; i < 3000; i++) store.set(`new ${i}`, value, Infinity);
  const held = (kind: string) =>
    Array.from({ length: 100 }, (_, i) => store.peek(`${kind} ${i}`, 0)).filter((at) => at >= 0);
  assert(held("proven").length > 90, `${held("proven").length} of 100`);
  assertEquals(held("unproven").length, 0);
});

test("SegmentStore.set() displaces an entry when a bucket of the index is full", () => {
  // One prefix for all, so that the index cannot split; the free slot is the new key's home.
  const store = new SegmentStore({
    maxBytes: 4 << 20,
    hash: ([word = 0]) => 0x7aaa0000 | (word & 0x7f) << 4 | (word & 0x1f00) << 3,
  });
  const keys = Array.from({ length: 4096 }, (_, i) => String.fromCharCode(i & 0x7f, i >>> 7));
  for (const key of keys) assert(store.set(key, new Uint8Array(8), Infinity));
  assert(store.find(keys.at(-1) as string, 0) >= 0);
  assertEquals(keys.filter((key) => store.peek(key, 0) >= 0).length, 4095);
  assertEquals(store.stats().items, 4095);
});

test("SegmentStore.maxBytes holds a lower limit at once", () => {
  const store = new SegmentStore({ maxBytes: 1 << 20 });
  for (let i = 0; i < 1000; i++) store.set(`key ${i}`, new Uint8Array(1000), Infinity);
  for (const maxBytes of [900_000, 500_000, 65_536]) {
    store.maxBytes = maxBytes;
    const { bytes, items } = store.stats();
    assert(bytes <= maxBytes, `${bytes} of ${maxBytes}`);
    assert(items > 0);
  }
});

test("SegmentStore takes less of an entry that is to have no decoded value, and stores none", () => {
  const items = [true, false].map((keepsDecoded) => {
    const store = new SegmentStore({ maxBytes: 1 << 20, keepsDecoded });
    for (let i = 0; i < 100_000; i++) store.set(`key ${i}`, new Uint8Array(8), Infinity);
    const slot = store.find("key 99999", 0);
    store.setDecoded(slot, { decoded: 1 }, 100);
    assertEquals(store.decoded(slot), keepsDecoded ? { decoded: 1 } : undefined);
    return store.stats().items;
  });
  assert((items[1] as number) > 1.05 * (items[0] as number), `${items}`);
});
