import { assertEquals } from "@std/assert";
import { crc32 } from "../../lib/placement/crc32.ts";
import { test } from "../runtime.ts";

const VECTORS: [text: string, sum: number][] = [
  ["", 0],
  ["a", 0xe8b7be43],
  ["abc", 0x352441c2],
  ["123456789", 0xcbf43926],
  ["The quick brown fox jumps over the lazy dog", 0x414fa339],
];

for (const [text, sum] of VECTORS) {
  test(`crc32() of ${JSON.stringify(text)} is 0x${sum.toString(16)}`, () => {
    assertEquals(crc32(new TextEncoder().encode(text)), sum);
  });
}

test("crc32() accepts bytes of every value", () => {
  assertEquals(crc32(Uint8Array.from({ length: 256 }, (_, i) => i)), 0x29058c73);
});
