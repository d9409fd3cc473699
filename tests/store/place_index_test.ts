import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { PlaceIndex } from "../../lib/store/place_index.ts";
import { test } from "../runtime.ts";

/** Spreads small numbers over 32 bits, each to one of its own. */
function scatter(i: number): number {
  i = Math.imul(i ^ i >>> 16, 0x45d9f3b);
  i = Math.imul(i ^ i >>> 16, 0x45d9f3b);
  return i ^ i >>> 16;
}

const placeOf = (i: number): [segmentId: number, word: number] => [i % 65_536, 2 + i % 5000 * 2];

function insert(index: PlaceIndex, hash: number, i: number): void {
  index.tableFor(hash).insert(hash, ...placeOf(i));
}

function slotOf(index: PlaceIndex, hash: number, i: number): number {
  return index.tableOf(hash).slotOf(hash, ...placeOf(i));
}

function remove(index: PlaceIndex, hash: number, i: number): void {
  index.tableOf(hash).remove(slotOf(index, hash, i));
  index.shrink(hash);
}

test("PlaceIndex finds every entry while it grows and while it shrinks", () => {
  const index = new PlaceIndex();
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

test("PlaceIndex agrees with a map under random insertions and removals in crowded places", () => {
  // Hashes that differ in few bits crowd together, so that removals move what follows.
  const hashes = fc.nat(40).map((i) => (i % 4) << 30 | (i >> 2) << 4);
  fc.assert(
    fc.property(fc.array(fc.tuple(hashes, fc.nat(30), fc.boolean()), { maxLength: 300 }), (run) => {
      const index = new PlaceIndex();
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
          const table = index.tableOf(hash);
          assertEquals(table.next(table.home(hash), hash), -1);
        }
      }
    }),
    { numRuns: 200 },
  );
});

test("PlaceIndex tells apart places in all segments and at all offsets", () => {
  const index = new PlaceIndex();
  const hash = scatter(7);
  const places: [number, number][] = [[0, 2], [1, 2], [4095, 2], [4096, 2], [65_535, 2]];
  places.push([65_535, 2 * (2 ** 20 - 1)], [0, 2 * (2 ** 20 - 1)]);
  for (const [segmentId, word] of places) index.tableFor(hash).insert(hash, segmentId, word);
  const table = index.tableOf(hash);
  for (const [segmentId, word] of places) {
    const slot = table.slotOf(hash, segmentId, word);
    assertEquals([table.segmentId(slot), table.word(slot)], [segmentId, word]);
  }
});
