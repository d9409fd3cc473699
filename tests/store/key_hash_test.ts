import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { seededKeyHash } from "../../lib/store/key_hash.ts";
import { KeyReader } from "../../lib/store/key_reader.ts";
import { test } from "../runtime.ts";

const keys = fc.oneof(
  fc.string({ unit: "binary-ascii", maxLength: 300 }),
  fc.string({ unit: "binary", maxLength: 300 }),
);

test("seededKeyHash() gives a key one hash, and another with another seed", () => {
  const [one, other] = [seededKeyHash(), seededKeyHash()];
  const reader = new KeyReader();
  let same = 0;
  fc.assert(fc.property(keys, (key) => {
    reader.read(key);
    const hash = one(reader.words, reader.byteLength);
    assertEquals(one(reader.words, reader.byteLength), hash);
    assertEquals(hash, hash | 0);
    if (other(reader.words, reader.byteLength) === hash) same++;
  }));
  assert(same <= 1);
});

test("seededKeyHash() keeps keys apart that differ in chosen bits only", () => {
  const hash = seededKeyHash();
  const seen = new Set<number>();
  const words = new Int32Array(80);
  // The top bits of each word alone, of two words together, and beyond the first block.
  for (let first = 0; first < 70; first++) {
    for (let second = 0; second < 70; second++) {
      words.fill(0);
      words[first] = 0x80000000;
      words[second] = 0xc0000000;
      seen.add(hash(words, 320));
    }
  }
  assert(seen.size > 4500);
});

test("seededKeyHash() spreads keys that count up", () => {
  const hash = seededKeyHash();
  const reader = new KeyReader();
  const buckets = new Uint32Array(1024);
  for (let i = 0; i < 65_536; i++) {
    reader.read(`user:${i}`);
    const bucket = hash(reader.words, reader.byteLength) >>> 22;
    buckets[bucket] = (buckets[bucket] as number) + 1;
  }
  assert(Math.max(...buckets) < 128);
  assert(Math.min(...buckets) > 16);
});
