import { assert } from "@std/assert";
import { SegmentStore } from "../../lib/store/segment_store.ts";
import { test } from "../runtime.ts";

const MIB = 1 << 20;

/** Asks for a key as a reader through the cache would. Returns whether it was there. */
function get(store: SegmentStore, key: string, valueBytes = 1000): boolean {
  if (store.find(key, 0) >= 0) return true;
  store.set(key, new Uint8Array(valueBytes), Infinity);
  return false;
}

function held(store: SegmentStore, keys: string[]): number {
  return keys.filter((key) => store.peek(key, 0) >= 0).length;
}

const keysOf = (name: string, count: number) => Array.from({ length: count }, (_, i) => name + i);

test("S3Fifo finds a part of a loop that is larger than the store", () => {
  const store = new SegmentStore({ maxBytes: 4 * MIB });
  const loop = keysOf("loop ", 5000);
  let hits = 0;
  for (let round = 0; round < 5; round++) hits = loop.filter((key) => get(store, key)).length;
  assert(hits > 1000, `${hits} of 5000 in the last round`);
});

test("S3Fifo does not take a key for popular because it was asked for twice in a row", () => {
  const store = new SegmentStore({ maxBytes: 4 * MIB });
  const popular = keysOf("popular ", 3000);
  for (let round = 0; round < 3; round++) for (const key of popular) get(store, key);
  const before = held(store, popular);
  for (const key of keysOf("burst ", 10_000)) for (let i = 0; i < 3; i++) get(store, key);
  assert(before > 2500, `${before} of 3000 before`);
  assert(held(store, popular) > 0.95 * before, `${held(store, popular)} of ${before} after`);
});

test("S3Fifo prefers many small values to few large ones that are used as often", () => {
  const store = new SegmentStore({ maxBytes: 4 * MIB });
  const small = keysOf("small ", 2000);
  const large = keysOf("large ", 500);
  for (let round = 0; round < 10; round++) {
    for (let i = 0; i < 2000; i++) {
      get(store, small[i] as string, 500);
      if (i % 4 === 0) get(store, large[i / 4] as string, 16_000);
    }
  }
  assert(held(store, small) > 1950, `${held(store, small)} of 2000 small values`);
  assert(held(store, large) < 250, `${held(store, large)} of 500 large values`);
});

test("S3Fifo lets small values go that are not used any more, though all others are large", () => {
  const store = new SegmentStore({ maxBytes: 4 * MIB });
  const small = keysOf("small ", 20_000);
  for (let round = 0; round < 4; round++) for (const key of small) get(store, key, 60);
  assert(held(store, small) > 15_000, `${held(store, small)} of 20000 at first`);
  const large = keysOf("large ", 500);
  for (let round = 0; round < 20; round++) for (const key of large) get(store, key, 10_000);
  assert(held(store, large) > 300, `${held(store, large)} of 500`);
  assert(held(store, small) < 1000, `${held(store, small)} of 20000 at last`);
});

test("S3Fifo does not promote a key whose ghost is older than all of main", () => {
  // Main turns over quickly, because all that is in it was used only once.
  const store = new SegmentStore({ maxBytes: 4 * MIB });
  const maxMainItems = 4000;
  const early = keysOf("early ", 100);
  for (const key of early) get(store, key);
  for (let i = 0; i < 2 * maxMainItems; i++) {
    get(store, `once ${i}`);
    // It comes back after a tenth of the store, from the older part of the small queue.
    if (i >= 300) get(store, `once ${i - 300}`);
  }
  assert(held(store, early) === 0);
  for (const key of early) get(store, key);
  for (let i = 0; i < 600; i++) get(store, `then ${i}`);
  for (let i = 0; i < 600; i++) get(store, `later ${i}`);
  assert(held(store, early) < 20, `${held(store, early)} of 100`);
});

test("S3Fifo gives the small queue more room when that is where keys are missed", () => {
  // Each key comes back once, after an eighth of the store: too late for a small queue of a tenth.
  const store = new SegmentStore({ maxBytes: 4 * MIB });
  const distance = 500;
  let hits = 0;
  for (let i = 0; i < 60_000; i++) {
    get(store, `key ${i}`);
    if (i >= distance && get(store, `key ${i - distance}`) && i >= 40_000) hits++;
  }
  assert(hits > 0.8 * 20_000, `${hits} of 20000`);
});
