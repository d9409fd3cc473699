import { assertEquals } from "@std/assert";
import { md5Hex } from "../../lib/placement/md5.ts";
import { test } from "../runtime.ts";

// The first seven are those of RFC 1321; the rest stand at the edges of its blocks.
const VECTORS: [text: string, digest: string][] = [
  ["", "d41d8cd98f00b204e9800998ecf8427e"],
  ["a", "0cc175b9c0f1b6a831c399e269772661"],
  ["abc", "900150983cd24fb0d6963f7d28e17f72"],
  ["message digest", "f96b697d7cb7938d525a2f31aaf161d0"],
  ["abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"],
  [
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
    "d174ab98d277d9f5a5611c2c9f419d9f",
  ],
  ["1234567890".repeat(8), "57edf4a22be3c955ac49da2e2107b67a"],
  ["x".repeat(55), "04364420e25c512fd958a70738aa8f72"],
  ["x".repeat(56), "668a72d5ba17f08e62dabcafad6db14b"],
  ["x".repeat(57), "693037871c4a9d3d8685018905cb530a"],
  ["x".repeat(63), "7dc2ca208106a2f703567bdff99d8981"],
  ["x".repeat(64), "c1bb4f81d892b2d57947682aeb252456"],
  ["x".repeat(65), "1bc932052302d074bdec39795fe00cf6"],
  ["x".repeat(119), "ab347a5f68c8a443cfcddc633f12c24f"],
  ["x".repeat(120), "fb98667f98096de92620b64f46e1c5b5"],
  ["x".repeat(128), "d69cb61a6ee87200676eb0d4b90edbcb"],
  ["x".repeat(1000), "398533d48111e9f664b1f64cb10c4b63"],
  ["日本語 🙂", "c2c33d2c0cfdf77aed3df568d9e5ef66"],
];

for (const [text, digest] of VECTORS) {
  test(`md5Hex() of ${text.length} characters, ${JSON.stringify(text.slice(0, 16))}`, () => {
    assertEquals(md5Hex(text), digest);
  });
}
