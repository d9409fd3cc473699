import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { SegmentStore, type SegmentStoreOptions } from "../../lib/store/segment_store.ts";
import { test } from "../runtime.ts";

const KIB = 1024;

/** What the store must hold, if it holds anything, under a key. */
interface Expected {
  value: Uint8Array;
  expiresAtMs: number;
  kept?: unknown;
}

/** A store beside the simplest thing that it must agree with. */
class Pair {
  nowMs = 1000;
  readonly store: SegmentStore;
  readonly model = new Map<string, Expected>();
  readonly views: { bytes: Uint8Array; view: { bytes(): Uint8Array } }[] = [];

  constructor(options: SegmentStoreOptions) {
    this.store = new SegmentStore(options);
  }

  /** Finds a key, and checks what is found. */
  find(key: string): number {
    const slot = this.store.find(key, this.nowMs);
    if (slot < 0) return -1;
    assert(this.model.has(key));
    const expected = this.model.get(key) as Expected;
    assert(expected.expiresAtMs > this.nowMs);
    assertEquals(this.store.expiresAtMs(slot), expected.expiresAtMs);
    const view = this.store.view(slot);
    assertEquals(view.bytes(), expected.value);
    this.views.push({ bytes: expected.value, view });
    const kept = this.store.decoded(slot);
    assert(kept === undefined || kept === expected.kept);
    return slot;
  }

  set(key: string, size: number, fill: number, ttlMs: number): void {
    const value = new Uint8Array(size).fill(fill);
    const expiresAtMs = this.nowMs + ttlMs;
    if (this.store.set(key, value, expiresAtMs)) this.model.set(key, { value, expiresAtMs });
    else {
      this.model.delete(key);
      assert(this.store.peek(key, -Infinity) < 0);
    }
    this.check();
  }

  check(): void {
    assert(this.store.stats().bytes <= this.store.maxBytes);
    assert(this.store.stats().items <= this.model.size);
  }

  /** Compares everything that is there. */
  finish(): void {
    let items = 0;
    let payloadBytes = 0;
    for (const [key, { value }] of this.model) {
      const slot = this.store.peek(key, -Infinity);
      if (slot < 0) continue;
      assertEquals(this.store.view(slot).bytes(), value);
      items++;
      payloadBytes += new TextEncoder().encode(key).byteLength + value.byteLength;
    }
    assertEquals(this.store.stats().items, items);
    assertEquals(this.store.stats().payloadBytes, payloadBytes);
    for (const { bytes, view } of this.views) assertEquals(view.bytes(), bytes);
  }
}

const keys = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 60 }).map((i) => `key ${i}`) },
  { weight: 1, arbitrary: fc.constantFrom("é", "鍵".repeat(20), "🗝", "x".repeat(300)) },
);
const sizes = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 600 }) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 9000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 200_000 }) },
);
const ttls = fc.constantFrom(Infinity, Infinity, 1, 50, 1000);

type Operation = (pair: Pair) => void;

const operations: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 50,
    arbitrary: fc.tuple(keys, sizes, fc.nat(255), ttls).map(
      ([key, size, fill, ttl]): Operation => (pair) => pair.set(key, size, fill, ttl),
    ),
  },
  {
    weight: 30,
    arbitrary: keys.map((key): Operation => (pair) => {
      pair.find(key);
    }),
  },
  {
    weight: 15,
    arbitrary: keys.map((key): Operation => (pair) => {
      const isThere = pair.store.peek(key, -Infinity) >= 0;
      assertEquals(pair.store.delete(key), isThere);
      pair.model.delete(key);
      pair.check();
    }),
  },
  {
    weight: 10,
    arbitrary: fc.tuple(keys, fc.nat(3000)).map(([key, bytes]): Operation => (pair) => {
      const slot = pair.find(key);
      if (slot < 0) return;
      const kept = { key, bytes };
      (pair.model.get(key) as Expected).kept = kept;
      pair.store.setDecoded(slot, kept, bytes);
      pair.check();
    }),
  },
  {
    weight: 10,
    arbitrary: fc.nat(60).map((ms): Operation => (pair) => {
      pair.nowMs += ms;
    }),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom(40, 64, 256, 1024).map((kib): Operation => (pair) => {
      pair.store.maxBytes = kib * KIB;
      pair.set("after the change", 10, 1, Infinity);
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constant<Operation>((pair) => {
      pair.store.clear();
      pair.model.clear();
      assertEquals(pair.store.stats().items, 0);
    }),
  },
);

const cases: [string, Omit<SegmentStoreOptions, "maxBytes">][] = [
  ["", {}],
  [" even if all hashes collide", { hash: () => -1 }],
  [
    " even if hashes differ in few bits",
    { hash: (words) => (words[0] as number) << 28 },
  ],
  [" without decoded values", { keepsDecoded: false }],
];

for (const [name, options] of cases) {
  test(`SegmentStore agrees with a model under random operations${name}`, () => {
    fc.assert(
      fc.property(
        fc.constantFrom(48, 128, 1024),
        fc.array(operations, { minLength: 20, maxLength: 400, size: "max" }),
        (kib, run) => {
          const pair = new Pair({ maxBytes: kib * KIB, ...options });
          // Views are checked at the end; a collector that has not run must not count against it.
          for (const operation of run) operation(pair);
          pair.finish();
        },
      ),
      { numRuns: 150 },
    );
  });
}

test("SegmentStore loses nothing while there is room", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(keys, fc.nat(2000)), { maxLength: 300 }), (entries) => {
      const store = new SegmentStore({ maxBytes: 4 << 20 });
      const model = new Map<string, number>();
      for (const [key, size] of entries) {
        assert(store.set(key, new Uint8Array(size).fill(size), Infinity));
        model.set(key, size);
      }
      for (const [key, size] of model) {
        assertEquals(store.view(store.find(key, 0)).bytes(), new Uint8Array(size).fill(size));
      }
      assertEquals(store.stats().evictions, 0);
    }),
    { numRuns: 40 },
  );
});

test("SegmentStore takes values of any size around every boundary, or refuses them whole", () => {
  const maxBytes = 1 << 20;
  const segment = maxBytes / 64;
  const boundaries = [0, 4, 8, segment / 16, segment / 2, segment, maxBytes / 10, maxBytes / 4];
  boundaries.push(maxBytes / 2, maxBytes);
  const store = new SegmentStore({ maxBytes });
  let round = 0;
  for (const boundary of boundaries) {
    for (let off = -48; off <= 48; off++) {
      const size = boundary + off;
      if (size < 0) continue;
      const key = `key ${round++ % 700}`;
      const isHeld = store.set(key, new Uint8Array(size).fill(round), Infinity);
      assertEquals(isHeld, size <= maxBytes / 2);
      assert(store.stats().bytes <= maxBytes);
      const slot = store.find(key, 0);
      assertEquals(slot >= 0, isHeld);
      if (isHeld) assertEquals(store.view(slot).bytes(), new Uint8Array(size).fill(round));
    }
  }
});
