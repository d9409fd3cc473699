import { assertThrows } from "@std/assert";
import fc from "fast-check";
import { checkKey } from "../lib/key.ts";
import { anyCharacter } from "./any_character.ts";
import { test } from "./runtime.ts";

const KEYS: { name: string; key: string }[] = [
  { name: "one character", key: "k" },
  { name: "a dot", key: "." },
  { name: "two dots", key: ".." },
  { name: "a slash", key: "/" },
  { name: "a NUL", key: "\0" },
  { name: "a space", key: " " },
  { name: "an emoji", key: "😀" },
  { name: "the name of a property of all objects", key: "__proto__" },
  { name: "64 KiB of ASCII", key: "k".repeat(65_536) },
  { name: "64 KiB in two-byte characters", key: "é".repeat(32_768) },
  { name: "64 KiB in three-byte characters", key: `${"€".repeat(21_845)}k` },
  { name: "64 KiB in four-byte characters", key: "😀".repeat(16_384) },
];

for (const { name, key } of KEYS) {
  test(`checkKey() accepts ${name}`, () => checkKey(key));
}

const BAD: { name: string; key: unknown; received: string }[] = [
  { name: "nothing", key: undefined, received: "received undefined" },
  { name: "null", key: null, received: "received null" },
  { name: "a number", key: 42, received: "received number" },
  { name: "a String object", key: new String("k"), received: "received object" },
  { name: "an empty string", key: "", received: "received an empty string" },
  { name: "half of an emoji", key: "a\ud83d", received: "a lone surrogate" },
  { name: "the other half", key: "\ude00a", received: "a lone surrogate" },
  { name: "65,537 bytes of ASCII", key: "k".repeat(65_537), received: "received 65537 bytes" },
  { name: "one two-byte character too many", key: "é".repeat(32_769), received: "65538 bytes" },
  { name: "one three-byte character too many", key: "€".repeat(21_846), received: "65538 bytes" },
  { name: "one four-byte character too many", key: "😀".repeat(16_385), received: "65540 bytes" },
];

for (const { name, key, received } of BAD) {
  test(`checkKey() refuses ${name} and says so`, () => {
    assertThrows(() => checkKey(key as string), TypeError, received);
  });
}

test("checkKey() accepts exactly the well-formed strings of 1 to 65,536 bytes", () => {
  const piece = fc.oneof(
    fc.string({ unit: anyCharacter }),
    fc.constantFrom("\ud800", "\udfff", "é"),
  );
  const times = fc.constantFrom(1, 100, 10_000, 21_846, 32_768, 32_769, 65_536);
  fc.assert(fc.property(fc.array(piece, { maxLength: 2 }), times, (pieces, times) => {
    const key = pieces.join("").repeat(times);
    const bytes = new TextEncoder().encode(key);
    const isGood = bytes.byteLength > 0 && bytes.byteLength <= 65_536 &&
      new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes) === key;
    if (isGood) checkKey(key);
    else assertThrows(() => checkKey(key), TypeError);
  }));
});
