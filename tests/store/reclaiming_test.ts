import { assert, assertEquals } from "@std/assert";
import { randomNumbers } from "../../bench/store/rng.ts";
import { SegmentStore } from "../../lib/store/segment_store.ts";
import { test } from "../runtime.ts";

const MIB = 1 << 20;

test("SegmentStore gives back what removal left half empty, though nothing is evicted", () => {
  const store = new SegmentStore({ maxBytes: 16 * MIB });
  for (let i = 0; i < 8000; i++) store.set(`key ${i}`, new Uint8Array(1000).fill(i), Infinity);
  const full = store.stats().bytes;
  for (let i = 0; i < 8000; i++) if (i % 4 !== 0) store.delete(`key ${i}`);
  assert(store.stats().bytes < full / 2);
  assertEquals(store.stats().items, 2000);
  assertEquals(store.stats().evictions, 0);
  for (let i = 0; i < 8000; i += 4) {
    assertEquals(store.view(store.find(`key ${i}`, 0)).bytes(), new Uint8Array(1000).fill(i));
  }
});

test("SegmentStore does not grow when few keys are overwritten again and again", () => {
  const store = new SegmentStore({ maxBytes: 64 * MIB });
  for (let i = 0; i < 100_000; i++) store.set(`key ${i % 100}`, new Uint8Array(1000), Infinity);
  assertEquals(store.stats().items, 100);
  assertEquals(store.stats().evictions, 0);
  assert(store.stats().bytes < 8 * MIB);
});

test("SegmentStore reclaims what expired before it evicts what lives", () => {
  const store = new SegmentStore({ maxBytes: 4 * MIB });
  let now = 0;
  for (let i = 0; i < 1500; i++) store.set(`lasting ${i}`, new Uint8Array(1000), Infinity);
  for (let i = 0; i < 40_000; i++) {
    now++;
    store.find("no such key", now);
    store.set(`passing ${i}`, new Uint8Array(1000), now + 300);
  }
  const { evictions, expired, items } = store.stats();
  assertEquals(evictions, 0);
  assertEquals(expired + items, 1500 + 40_000);
  assert(items < 1500 + 2000);
});

test("SegmentStore keeps what is used, whatever passes through once", () => {
  const store = new SegmentStore({ maxBytes: 4 * MIB });
  for (let i = 0; i < 1000; i++) store.set(`hot ${i}`, new Uint8Array(1000), Infinity);
  let found = 0;
  for (let i = 0; i < 50_000; i++) {
    store.set(`scan ${i}`, new Uint8Array(1000), Infinity);
    if (store.find(`hot ${i % 1000}`, 0) >= 0) found++;
  }
  assertEquals(found, 50_000);
});

test("SegmentStore brings back to main what it dropped too early", () => {
  const store = new SegmentStore({ maxBytes: 4 * MIB });
  for (let i = 0; i < 4000; i++) store.set(`first ${i}`, new Uint8Array(1000), Infinity);
  store.set("returning", new Uint8Array(1000), Infinity);
  for (let i = 0; i < 3900; i++) store.set(`second ${i}`, new Uint8Array(1000), Infinity);
  assertEquals(store.find("returning", 0), -1);
  store.set("returning", new Uint8Array(1000), Infinity);
  for (let i = 0; i < 1000; i++) store.set(`third ${i}`, new Uint8Array(1000), Infinity);
  assert(store.find("returning", 0) >= 0);
});

test("SegmentStore moves large values without another copy, and keeps those that are used", () => {
  const store = new SegmentStore({ maxBytes: 16 * MIB });
  store.set("large", new Uint8Array(4 * MIB).fill(7), Infinity);
  for (let i = 0; i < 200; i++) {
    store.set(`other ${i}`, new Uint8Array(MIB).fill(i), Infinity);
    const slot = store.find("large", 0);
    assert(slot >= 0);
    assert(store.stats().bytes <= 16 * MIB);
  }
  assertEquals(store.view(store.find("large", 0)).bytes(), new Uint8Array(4 * MIB).fill(7));
});

test("SegmentStore evicts a few entries at each insertion, and never a whole segment of them", () => {
  const store = new SegmentStore({ maxBytes: 16 * MIB });
  let evictions = 0;
  let mostAtOnce = 0;
  for (let i = 0; i < 300_000; i++) {
    if (i % 3 === 0) store.find(`key ${i >>> 1}`, 0);
    store.set(`key ${i}`, new Uint8Array(100), Infinity);
    mostAtOnce = Math.max(mostAtOnce, store.stats().evictions - evictions);
    evictions = store.stats().evictions;
  }
  assert(evictions > 100_000);
  // A hash of another seed each time: now and then a few more fall on one insertion.
  assert(mostAtOnce < 400, `${mostAtOnce} at once`);
});

test("SegmentStore takes no more memory than it needs at first", () => {
  const store = new SegmentStore({ maxBytes: 8 * 1024 * MIB });
  assert(store.stats().bytes < 64 * 1024);
  store.set("a", new Uint8Array(10), Infinity);
  assert(store.stats().bytes < 5 * MIB);
});

test("SegmentStore follows maxBytes in small steps, as when it shares a budget", () => {
  const store = new SegmentStore({ maxBytes: 8 * MIB });
  for (let i = 0; i < 20_000; i++) {
    store.maxBytes = 8 * MIB - i % 5000 * 200;
    store.set(`key ${i}`, new Uint8Array(1000), Infinity);
    assert(store.stats().bytes <= store.maxBytes);
  }
  assert(store.stats().payloadBytes > 5 * MIB);
});

test("SegmentStore drops decoded values that are not asked for, and keeps those that are", () => {
  const store = new SegmentStore({ maxBytes: 4 * MIB });
  for (let i = 0; i < 2000; i++) store.set(`key ${i}`, new Uint8Array(500), Infinity);
  let kept = 0;
  for (let i = 0; i < 40_000; i++) {
    // Every other request is for the same fifty keys.
    const key = i % 2 === 0 ? `key ${i % 100}` : `key ${i % 2000}`;
    const slot = store.find(key, 0);
    if (slot < 0) {
      store.set(key, new Uint8Array(500), Infinity);
      continue;
    }
    if (store.decoded(slot) !== undefined && i % 2 === 0) kept++;
    else if (store.decoded(slot) === undefined) store.setDecoded(slot, { key }, 2000);
    assert(store.stats().bytes <= 4 * MIB);
  }
  assert(kept > 15_000);
});

test("SegmentStore.delete() takes no more than maxBytes for what it moves", () => {
  for (let seed = 570; seed < 600; seed++) {
    const random = randomNumbers(seed);
    const key = () => `key ${Math.floor(random() * 60)}`;
    const store = new SegmentStore({ maxBytes: MIB });
    for (let i = 0; i < 200; i++) {
      store.set(`key ${i % 60}`, new Uint8Array(random() * 9000), Infinity);
    }
    store.maxBytes = MIB / 16;
    store.set("after the change", new Uint8Array(10), Infinity);
    for (let i = 0; i < 30; i++) {
      if (random() < 0.5) store.set(key(), new Uint8Array(random() * 6000), Infinity);
      else store.delete(key());
      assert(store.stats().bytes <= store.maxBytes, `seed ${seed}, step ${i}`);
    }
  }
});

test("SegmentStore finds what has expired as soon as it needs room", () => {
  const store = new SegmentStore({ maxBytes: 4 * MIB });
  store.find("no such key", 0);
  for (let i = 0; i < 1600; i++) store.set(`lasting ${i}`, new Uint8Array(1000), Infinity);
  for (let i = 0; i < 1600; i++) store.set(`passing ${i}`, new Uint8Array(1000), 1000);
  store.find("no such key", 2000);
  // It comes in one go, so that no sweep at leisure can have found the room before.
  assert(store.set("large", new Uint8Array(1_500_000), Infinity));
  assertEquals(store.stats().evictions, 0);
  assert(store.stats().items >= 1601);
});

test("SegmentStore.sinceMs() never is later than the time at which an entry was stored", () => {
  const store = new SegmentStore({ maxBytes: MIB });
  const storedAtMs = new Map<string, number>();
  let exact = 0;
  for (let now = 1; now <= 20_000; now++) {
    const key = `key ${now * 7919 % 3000}`;
    store.set(key, new Uint8Array(1000), Infinity, 0, now);
    storedAtMs.set(key, now);
    if (now % 100 > 0) continue;
    for (const [key, storedMs] of storedAtMs) {
      const slot = store.peek(key, 0);
      if (slot < 0) continue;
      const sinceMs = store.sinceMs(slot);
      assert(sinceMs > 0 && sinceMs <= storedMs, `${sinceMs} for what was stored at ${storedMs}`);
      if (sinceMs > storedMs - 50) exact++;
    }
  }
  assert(exact > 1000, "values that were never moved are known within their segment");
  const large = new SegmentStore({ maxBytes: 8 * MIB });
  large.set("large", new Uint8Array(MIB), Infinity, 0, 5);
  large.set("other", new Uint8Array(MIB), Infinity, 0, 9);
  assertEquals(["large", "other"].map((key) => large.sinceMs(large.peek(key, 0))), [5, 9]);
});
