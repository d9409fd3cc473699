import { assertEquals } from "@std/assert";
import { GhostTable, MAX_TAG } from "../../lib/store/ghost_table.ts";
import { test } from "../runtime.ts";

/** Hashes that all fall into the set `set`, whatever the size of the table. */
const hashesOf = (set: number, count: number) =>
  Array.from({ length: count }, (_, i) => (i + 1) << 9 | set);

test("GhostTable.take() returns the tag of a ghost once", () => {
  const ghosts = new GhostTable(64);
  ghosts.add(0x7654_3210, MAX_TAG);
  ghosts.add(-1, 0);
  assertEquals([ghosts.take(0x7654_3210), ghosts.take(0x7654_3210)], [MAX_TAG, -1]);
  assertEquals([ghosts.take(-1), ghosts.take(-1)], [0, -1]);
});

test("GhostTable.take() returns the newest of two ghosts of a hash", () => {
  const ghosts = new GhostTable(64);
  ghosts.add(0x1000, 1);
  ghosts.add(0x1000, 2);
  assertEquals([ghosts.take(0x1000), ghosts.take(0x1000)], [2, 1]);
});

test("GhostTable drops the oldest ghost of a full set, and uses the room of those taken", () => {
  const ghosts = new GhostTable(64);
  const hashes = hashesOf(3, 10);
  const [first, second, ...others] = hashes as [number, number, ...number[]];
  for (const hash of hashes.slice(0, 8)) ghosts.add(hash, 5);
  assertEquals(ghosts.take(second), 5);
  ghosts.add(hashes[8] as number, 5); // into the room of the second
  ghosts.add(hashes[9] as number, 5); // in place of the first
  assertEquals(ghosts.take(first), -1);
  assertEquals(others.map((hash) => ghosts.take(hash)), others.map(() => 5));
});

test("GhostTable keeps its ghosts when it doubles and when it halves", () => {
  const ghosts = new GhostTable(64);
  const hashes = Array.from({ length: 8 }, (_, set) => hashesOf(set, 3)).flat();
  for (const hash of hashes) ghosts.add(hash, 7);
  ghosts.resize(128);
  assertEquals(hashes.slice(0, 12).map((hash) => ghosts.take(hash)), new Array(12).fill(7));
  ghosts.resize(64);
  assertEquals(hashes.slice(12).map((hash) => ghosts.take(hash)), new Array(12).fill(7));
});

test("GhostTable keeps its ghosts when it changes by more than a factor of two", () => {
  const ghosts = new GhostTable(64);
  const hashes = Array.from({ length: 8 }, (_, set) => hashesOf(set, 3)).flat();
  for (const hash of hashes) ghosts.add(hash, 7);
  ghosts.resize(512);
  assertEquals(hashes.slice(0, 12).map((hash) => ghosts.take(hash)), new Array(12).fill(7));
  ghosts.resize(64);
  assertEquals(hashes.slice(12).map((hash) => ghosts.take(hash)), new Array(12).fill(7));
});

test("GhostTable counts its memory from the beginning, and finds nothing before there is a ghost", () => {
  const [ghosts, other] = [new GhostTable(64), new GhostTable(64)];
  assertEquals([ghosts.byteLength, ghosts.take(0), ghosts.take(5)], [256, -1, -1]);
  ghosts.resize(128);
  assertEquals(ghosts.byteLength, 512);
  ghosts.resize(64);
  ghosts.split(other, 31);
  ghosts.merge(other);
  assertEquals(ghosts.take(0), -1);
  other.add(0x1000, 3);
  ghosts.merge(other);
  assertEquals(ghosts.take(0x1000), 3);
});

test("GhostTable.split() and merge() move ghosts by a bit of their hash", () => {
  const [zero, one] = [new GhostTable(64), new GhostTable(64)];
  zero.add(0x0000_1000, 1);
  zero.add(0x4000_1000, 2);
  zero.split(one, 30);
  assertEquals([zero.take(0x4000_1000), one.take(0x0000_1000)], [-1, -1]);
  zero.merge(one);
  assertEquals([zero.take(0x4000_1000), zero.take(0x0000_1000)], [2, 1]);
});
