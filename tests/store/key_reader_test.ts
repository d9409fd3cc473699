import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { KeyReader } from "../../lib/store/key_reader.ts";
import { test } from "../runtime.ts";

const encoder = new TextEncoder();

function bytesRead(reader: KeyReader): Uint8Array {
  return new Uint8Array(reader.words.buffer).slice(0, reader.byteLength + 3 & ~3);
}

function padded(key: string): Uint8Array {
  const bytes = encoder.encode(key);
  const result = new Uint8Array(bytes.byteLength + 3 & ~3);
  result.set(bytes);
  return result;
}

const keys = fc.oneof(
  fc.string({ unit: "binary-ascii", maxLength: 300 }),
  fc.string({ unit: "binary", maxLength: 300 }),
);

test("KeyReader reads the UTF-8 bytes of a key, filled up with zeros", () => {
  const reader = new KeyReader();
  fc.assert(fc.property(keys, (key) => {
    reader.read(key);
    assertEquals(bytesRead(reader), padded(key));
  }));
});

test("KeyReader reads keys of every length, also after longer ones", () => {
  const reader = new KeyReader();
  for (let length = 600; length >= 0; length--) {
    const key = "k".repeat(length);
    reader.read(key);
    assertEquals(bytesRead(reader), padded(key));
  }
});

test("KeyReader refuses a key with a lone surrogate, whatever its length", () => {
  const reader = new KeyReader();
  for (const length of [0, 10, 50, 300]) {
    const key = `${"k".repeat(length)}\ud800`;
    assertThrows(() => reader.read(key), TypeError, "lone surrogate");
  }
});
