import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { KeyTable } from "../../lib/group/key_table.ts";
import { test } from "../runtime.ts";

class Entry {
  readonly key: string;
  readonly keyHash: number;
  behind: Entry | undefined;

  constructor(key: string, keyHash: number) {
    this.key = key;
    this.keyHash = keyHash;
  }
}

test("KeyTable holds what a Map holds, whatever is added and deleted", () => {
  const anyStep = fc.record({ key: fc.integer({ min: 0, max: 300 }), isAdded: fc.boolean() });
  fc.assert(fc.property(fc.array(anyStep, { maxLength: 1000 }), fc.boolean(), (steps, collide) => {
    const table = new KeyTable<Entry>();
    const map = new Map<string, Entry>();
    for (const { key: number, isAdded } of steps) {
      const key = `key ${number}`;
      const keyHash = collide ? number % 3 : table.hash(key);
      const entry = map.get(key);
      assert(table.get(key, keyHash) === entry);
      if (isAdded && entry === undefined) {
        const added = new Entry(key, keyHash);
        map.set(key, added);
        table.add(added);
      } else if (!isAdded && entry !== undefined) {
        map.delete(key);
        table.delete(entry);
        assertEquals(entry.behind, undefined);
      }
    }
    assertEquals(table.entries().length, map.size);
    assertEquals(new Set(table.entries()), new Set(map.values()));
  }));
});

test("KeyTable.delete() ignores an entry that is not there", () => {
  const table = new KeyTable<Entry>();
  const entry = new Entry("key", table.hash("key"));
  table.add(entry);
  table.delete(new Entry("key", entry.keyHash));
  table.delete(new Entry("other", table.hash("other")));
  assertEquals(table.entries(), [entry]);
});

test("KeyTable.hash() depends on each character, and differs from table to table", () => {
  const table = new KeyTable<Entry>();
  const keys = ["", "a", "b", "ab", "ba", "\u0000", "\u0000\u0000", "é", "x".repeat(1000)];
  assertEquals(new Set(keys.map((key) => table.hash(key))).size, keys.length);
  const hashes = Array.from({ length: 8 }, () => new KeyTable<Entry>().hash("key"));
  assert(new Set(hashes).size > 1);
});

test("KeyTable distributes keys evenly, as numbered ones are", () => {
  const table = new KeyTable<Entry>();
  const buckets = new Array<number>(64).fill(0);
  for (let i = 0; i < 6400; i++) {
    const bucket = table.hash(`user:${i}`) & 63;
    buckets[bucket] = (buckets[bucket] as number) + 1;
  }
  // 100 on average; 12 standard deviations.
  assert(Math.max(...buckets) < 220, `${buckets}`);
});
