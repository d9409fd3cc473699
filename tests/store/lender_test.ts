import { assert, assertEquals } from "@std/assert";
import { SegmentStore } from "../../lib/store/segment_store.ts";
import { test } from "../runtime.ts";

const MIB = 1 << 20;

/** A store whose memory has already run short, as it is most of its life. */
function fullStore(valueBytes: number): SegmentStore {
  const store = new SegmentStore({ maxBytes: 8 * MIB });
  for (let i = 0; i * valueBytes < 16 * MIB; i++) {
    store.set(`first ${i}`, new Uint8Array(valueBytes), Infinity);
  }
  return store;
}

/** Asks for new keys and for fifty popular ones in turn. */
function viewAll(store: SegmentStore, valueBytes: number): void {
  const count = 64 * MIB / valueBytes;
  for (let i = 0; i < count; i++) {
    const key = `key ${i % 2 === 0 ? i : i % 100}`;
    if (store.find(key, 0) < 0) store.set(key, new Uint8Array(valueBytes), Infinity);
    const slot = store.peek(key, 0);
    if (slot >= 0) assertEquals(store.view(slot).size, valueBytes);
  }
}

test("SegmentStore loses no memory to views of small values once it is full", () => {
  const store = fullStore(500);
  viewAll(store, 500);
  store.clear();
  assertEquals(store.stats().lentBytes, 0);
});

test("SegmentStore loses at most a sixteenth to views of larger values once it is full", () => {
  const store = fullStore(8000);
  viewAll(store, 8000);
  store.clear();
  const { lentBytes } = store.stats();
  assert(lentBytes > 0 && lentBytes <= store.maxBytes / 16, `${lentBytes} bytes`);
});

test("SegmentStore lends without a copy while there is room", () => {
  const store = new SegmentStore({ maxBytes: 8 * MIB });
  for (let i = 0; i < 1000; i++) store.set(`key ${i}`, new Uint8Array(1000), Infinity);
  for (let i = 0; i < 1000; i++) store.view(store.find(`key ${i}`, 0));
  store.clear();
  assert(store.stats().lentBytes >= MIB, `${store.stats().lentBytes} bytes`);
});
