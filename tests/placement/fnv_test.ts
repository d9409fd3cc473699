import { assertEquals } from "@std/assert";
import { fnv1, fnv1a } from "../../lib/placement/fnv.ts";
import { test } from "../runtime.ts";

const VECTORS: [text: string, fnv1: bigint, fnv1a: bigint][] = [
  ["", 0xcbf29ce484222325n, 0xcbf29ce484222325n],
  ["a", 0xaf63bd4c8601b7ben, 0xaf63dc4c8601ec8cn],
  ["b", 0xaf63bd4c8601b7bdn, 0xaf63df4c8601f1a5n],
  ["foobar", 0x340d8765a4dda9c2n, 0x85944171f73967e8n],
];

for (const [text, one, oneA] of VECTORS) {
  const bytes = new TextEncoder().encode(text);

  test(`fnv1() of ${JSON.stringify(text)} is 0x${one.toString(16)}`, () => {
    assertEquals(fnv1(bytes), one);
  });

  test(`fnv1a() of ${JSON.stringify(text)} is 0x${oneA.toString(16)}`, () => {
    assertEquals(fnv1a(bytes), oneA);
  });
}

test("fnv1() and fnv1a() equal 64-bit arithmetic, for bytes of every value", () => {
  const prime = 0x100000001b3n;
  for (let length = 0; length < 300; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 151 + length * 77) & 0xff);
    let one = 0xcbf29ce484222325n;
    let oneA = one;
    for (const byte of bytes) {
      one = BigInt.asUintN(64, one * prime) ^ BigInt(byte);
      oneA = BigInt.asUintN(64, (oneA ^ BigInt(byte)) * prime);
    }
    assertEquals(fnv1(bytes), one);
    assertEquals(fnv1a(bytes), oneA);
  }
});
