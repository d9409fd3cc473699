import { assertEquals } from "@std/assert";
import fc from "fast-check";
import protobufjs from "protobufjs";
import { bigVarintSize, bytesSize, utf8, varintSize, Writer } from "../../lib/wire/writer.ts";
import { test } from "../runtime.ts";

/** What protobuf.js writes. */
function expected(write: (writer: protobufjs.Writer) => protobufjs.Writer): Uint8Array {
  return Uint8Array.from(write(protobufjs.Writer.create()).finish());
}

/** Numbers on both sides of where one byte more is needed. */
const EDGES = Array.from({ length: 8 }, (_, index) => 128 ** index)
  .flatMap((edge) => [edge - 1, edge])
  .filter((value) => value <= Number.MAX_SAFE_INTEGER);

test("Writer.varint() writes what protobuf.js writes, in the computed size", () => {
  const any = fc.oneof(fc.constantFrom(...EDGES, Number.MAX_SAFE_INTEGER), fc.maxSafeNat());
  fc.assert(fc.property(any, (value) => {
    const writer = new Writer(varintSize(value));
    writer.varint(value);
    assertEquals(writer.finish(), expected((writer) => writer.uint64(value)));
  }));
});

test("Writer.bigVarint() writes what protobuf.js writes, in the computed size", () => {
  const edges = [0n, -1n, 127n, 128n, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)];
  const any = fc.oneof(
    fc.constantFrom(...edges),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  );
  fc.assert(fc.property(any, (value) => {
    const writer = new Writer(bigVarintSize(value));
    writer.bigVarint(value);
    assertEquals(writer.finish(), expected((writer) => writer.int64(String(value))));
  }));
});

test("Writer.double() writes what protobuf.js writes", () => {
  fc.assert(fc.property(fc.double(), (value) => {
    const writer = new Writer(8);
    writer.double(value);
    assertEquals(writer.finish(), expected((writer) => writer.double(value)));
  }));
});

for (const length of [0, 1, 127, 128, 16_383, 16_384]) {
  test(`Writer.bytes() writes ${length} bytes after their length, in the computed size`, () => {
    const bytes = Uint8Array.from({ length }, (_, index) => index);
    const writer = new Writer(bytesSize(bytes));
    writer.bytes(bytes);
    assertEquals(writer.finish(), expected((writer) => writer.bytes(bytes)));
  });
}

test("Writer appends one field to another", () => {
  const writer = new Writer(1 + 2 + 8 + 2);
  writer.varint(5);
  writer.bigVarint(300n);
  writer.double(1);
  writer.bytes(Uint8Array.of(9));
  assertEquals(
    writer.finish(),
    Uint8Array.of(5, 0xac, 2, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 1, 9),
  );
});

test("utf8() encodes any text", () => {
  assertEquals(utf8("é\0😀"), Uint8Array.of(0xc3, 0xa9, 0, 0xf0, 0x9f, 0x98, 0x80));
});
