import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import protobufjs from "protobufjs";
import { Reader, tagOf } from "../../lib/wire/reader.ts";
import { test } from "../runtime.ts";

const U64_MAX = 2n ** 64n - 1n;

/** Unsigned, as protobuf lays it out. */
function varint(value: bigint): number[] {
  const bytes: number[] = [];
  for (; value > 127n; value >>= 7n) bytes.push(Number(value & 127n) | 128);
  return [...bytes, Number(value)];
}

function reader(...bytes: number[]): Reader {
  return new Reader(Uint8Array.from(bytes));
}

test("Reader.varint() reads every number of 53 bits", () => {
  fc.assert(fc.property(fc.maxSafeNat(), (value) => {
    assertEquals(reader(...varint(BigInt(value))).varint(), value);
  }));
});

const TOO_LARGE: { name: string; bytes: number[] }[] = [
  { name: "the first number above", bytes: varint(2n ** 53n) },
  { name: "a number of 56 bits", bytes: varint(2n ** 56n - 1n) },
  { name: "a number of 64 bits", bytes: varint(U64_MAX) },
  { name: "a number that goes on and on", bytes: new Array(20).fill(0x80) },
];

for (const { name, bytes } of TOO_LARGE) {
  test(`Reader.varint() refuses ${name}`, () => {
    assertThrows(() => reader(...bytes).varint(), RangeError, "more than 53 bits");
  });
}

test("Reader.bigVarint() reads every signed number of 64 bits", () => {
  const any = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  fc.assert(fc.property(any, (value) => {
    assertEquals(reader(...varint(BigInt.asUintN(64, value))).bigVarint(), value);
  }));
});

test("Reader.bigVarint() refuses a number of more than ten bytes", () => {
  const bytes = [...new Array(10).fill(0x80), 1];
  assertThrows(() => reader(...bytes).bigVarint(), RangeError, "more than 64 bits");
});

test("Reader.double() reads numbers that protobuf.js wrote", () => {
  fc.assert(fc.property(fc.double(), (value) => {
    const bytes = Uint8Array.from(protobufjs.Writer.create().double(value).finish());
    assertEquals(new Reader(bytes).double(), value);
  }));
});

test("Reader.bytes() is a view of the message, not a copy", () => {
  const message = Uint8Array.of(9, 2, 5, 6, 9);
  const bytes = new Reader(message.subarray(1)).bytes();
  assertEquals(bytes, Uint8Array.of(5, 6));
  assertEquals(bytes.buffer, message.buffer);
});

test("Reader.string() keeps a byte order mark and a NUL", () => {
  assertEquals(reader(5, 0xef, 0xbb, 0xbf, 0, 97).string(), "\ufeff\0a");
});

test("Reader.string() refuses text that is not UTF-8", () => {
  assertThrows(() => reader(1, 0xff).string(), RangeError, "not UTF-8");
  // A lone surrogate, as CESU-8 would have it.
  assertThrows(() => reader(3, 0xed, 0xa0, 0x80).string(), RangeError, "not UTF-8");
});

test("Reader.next() returns 0 at the end", () => {
  assertEquals(reader().next(), 0);
  const one = reader(8, 1);
  assertEquals(one.next(), tagOf(1, "varint"));
  assertEquals(one.varint(), 1);
  assertEquals(one.next(), 0);
  assertEquals(one.next(), 0);
});

test("Reader.next() refuses field number 0", () => {
  assertThrows(() => reader(2, 1).next(), RangeError, "field number 0");
  assertThrows(() => reader(0x80, 0).next(), RangeError, "field number 0");
});

/** Field 50, in each layout. */
const UNKNOWN: { name: string; value: number[] }[] = [
  { name: "a varint of one byte", value: [0x90, 3, 5] },
  { name: "a varint of ten bytes", value: [0x90, 3, ...varint(U64_MAX)] },
  { name: "64 bits", value: [0x91, 3, 1, 2, 3, 4, 5, 6, 7, 8] },
  { name: "bytes", value: [0x92, 3, 3, 1, 2, 3] },
  { name: "no bytes", value: [0x92, 3, 0] },
  { name: "32 bits", value: [0x95, 3, 1, 2, 3, 4] },
];

for (const { name, value } of UNKNOWN) {
  test(`Reader.skip() skips ${name}`, () => {
    const message = reader(...value, 8, 7);
    message.skip(message.next());
    assertEquals(message.next(), tagOf(1, "varint"));
    assertEquals(message.varint(), 7);
  });

  test(`Reader.skip() refuses truncated ${name}`, () => {
    for (let length = 2; length < value.length; length++) {
      const message = reader(...value.slice(0, length));
      assertThrows(() => message.skip(message.next()), RangeError, "a truncated message");
    }
  });
}

for (const type of [3, 4, 6, 7]) {
  test(`Reader.skip() refuses wire type ${type}`, () => {
    assertThrows(() => reader().skip(8 + type), RangeError, `wire type ${type}`);
  });
}

const READS: { name: string; read: (reader: Reader) => unknown; message: number[] }[] = [
  { name: "next", read: (reader) => reader.next(), message: [0x92, 3] },
  { name: "varint", read: (reader) => reader.varint(), message: [0x80, 0x80, 1] },
  { name: "bigVarint", read: (reader) => reader.bigVarint(), message: varint(U64_MAX) },
  { name: "double", read: (reader) => reader.double(), message: [1, 2, 3, 4, 5, 6, 7, 8] },
  { name: "bytes", read: (reader) => reader.bytes(), message: [3, 1, 2, 3] },
  { name: "string", read: (reader) => reader.string(), message: [3, 97, 98, 99] },
];

for (const { name, read, message } of READS) {
  test(`Reader.${name}() never reads past the end of its message`, () => {
    // What follows in memory would complete the value.
    const memory = Uint8Array.from(message);
    read(new Reader(memory));
    const shortest = name === "next" ? 1 : 0;
    for (let length = shortest; length < message.length; length++) {
      assertThrows(
        () => read(new Reader(memory.subarray(0, length))),
        RangeError,
        "a truncated message",
      );
    }
  });
}

test("Reader terminates on any bytes, or throws a RangeError", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const message = new Reader(Uint8Array.from(bytes));
      try {
        for (let tag = message.next(); tag !== 0; tag = message.next()) message.skip(tag);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
    }),
    { numRuns: 1000 },
  );
});
