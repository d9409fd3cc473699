import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { EntryIndex } from "../../lib/store/entry_index.ts";
import { test } from "../runtime.ts";

/** Spreads small numbers over 32 bits, each to one of its own. */
function scatter(i: number): number {
  i = Math.imul(i ^ i >>> 16, 0x45d9f3b);
  i = Math.imul(i ^ i >>> 16, 0x45d9f3b);
  return i ^ i >>> 16;
}

const locationOf = (i: number): [segmentId: number, word: number] => [i % 65_536, 2 + i % 5000 * 2];

function insert(index: EntryIndex, hash: number, i: number): void {
  index.bucketWithRoom(hash).insert(hash, ...locationOf(i));
}

function slotOf(index: EntryIndex, hash: number, i: number): number {
  return index.bucketOf(hash).slotOf(hash, ...locationOf(i));
}

function remove(index: EntryIndex, hash: number, i: number): void {
  index.bucketOf(hash).remove(slotOf(index, hash, i));
  index.shrink(hash);
}

test("EntryIndex finds every entry while it grows and while it shrinks", () => {
  const index = new EntryIndex();
  const empty = index.bytes;
  const count = 60_000;
  for (let i = 0; i < count; i++) {
    insert(index, scatter(i), i);
    if (i % 997 === 0) assert(slotOf(index, scatter(i >> 1), i >> 1) >= 0);
  }
  for (let i = 0; i < count; i++) assert(slotOf(index, scatter(i), i) >= 0);
  const full = index.bytes;
  assert(full < 40 * count);
  for (let i = 0; i < count; i++) {
    remove(index, scatter(i), i);
    assertEquals(slotOf(index, scatter(i), i), -1);
    if (i % 997 === 0) assert(slotOf(index, scatter(count - 1), count - 1) >= 0 || i === count - 1);
  }
  assert(index.bytes < full / 20);
  index.clear();
  assertEquals(index.bytes, empty);
});

test("EntryIndex splits a bucket whose entries all go to one side", () => {
  const index = new EntryIndex();
  const count = 20_000;
  for (const prefix of [0, 0xfe]) {
    const hashOf = (i: number) => prefix << 24 | scatter(i) >>> 8;
    for (let i = 0; i < count; i++) insert(index, hashOf(i), i);
    for (let i = 0; i < count; i++) assert(slotOf(index, hashOf(i), i) >= 0);
  }
});

test("EntryIndex agrees with a map under random insertions and removals in crowded buckets", () => {
  // Hashes that differ in few bits crowd together, so that removals move what follows.
  const hashes = fc.nat(40).map((i) => (i % 4) << 30 | (i >> 2) << 4);
  fc.assert(
    fc.property(fc.array(fc.tuple(hashes, fc.nat(30), fc.boolean()), { maxLength: 300 }), (run) => {
      const index = new EntryIndex();
      const model = new Map<string, [hash: number, i: number]>();
      for (const [hash, i, isRemoval] of run) {
        const name = `${hash} ${i}`;
        if (isRemoval && model.delete(name)) remove(index, hash, i);
        if (isRemoval || model.has(name)) continue;
        insert(index, hash, i);
        model.set(name, [hash, i]);
      }
      for (const [hash, i] of model.values()) assert(slotOf(index, hash, i) >= 0);
      const hashesLeft = new Set([...model.values()].map(([hash]) => hash));
      for (const [hash] of run) {
        if (!hashesLeft.has(hash)) {
          const bucket = index.bucketOf(hash);
          assertEquals(bucket.next(bucket.home(hash), hash), -1);
        }
      }
    }),
    { numRuns: 200 },
  );
});

test("EntryIndex tells apart locations in all segments and at all offsets", () => {
  const index = new EntryIndex();
  const hash = scatter(7);
  const locations: [number, number][] = [[0, 2], [1, 2], [4095, 2], [4096, 2], [65_535, 2]];
  locations.push([65_535, 2 ** 20 - 1], [0, 2 ** 20 - 1], [0, 1]);
  for (const [segmentId, word] of locations) {
    index.bucketWithRoom(hash).insert(hash, segmentId, word);
  }
  const bucket = index.bucketOf(hash);
  for (const [segmentId, word] of locations) {
    const slot = bucket.slotOf(hash, segmentId, word);
    assertEquals([bucket.segmentId(slot), bucket.word(slot)], [segmentId, word]);
  }
});
