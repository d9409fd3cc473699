import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { ByteBuffer } from "../../lib/wire/byte_buffer.ts";
import { test } from "../runtime.ts";

/** A byte at the front of a buffer of 64 KiB, as Deno hands out bodies. */
function smallChunk(byte: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(64 << 10).fill(byte).subarray(0, 1);
}

test("ByteBuffer.take() returns the chunks in order, whatever size was expected", () => {
  const anyChunks = fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 10 });
  const anyExpected = fc.oneof(fc.constant(undefined), fc.nat({ max: 2000 }), fc.constant(2 ** 53));
  const buffer = new ByteBuffer();
  fc.assert(fc.property(anyChunks, anyExpected, (chunks, expected) => {
    for (const chunk of chunks) buffer.push(Uint8Array.from(chunk), expected);
    assertEquals(buffer.byteLength, chunks.flatMap((chunk) => [...chunk]).length);
    assertEquals([...buffer.take()], chunks.flatMap((chunk) => [...chunk]));
    assertEquals(buffer.byteLength, 0);
    assertEquals(buffer.take().byteLength, 0);
  }));
});

test("ByteBuffer keeps no chunk that is a small part of its buffer", () => {
  const buffer = new ByteBuffer();
  for (let i = 0; i < 100; i++) {
    const chunk = smallChunk(i);
    buffer.push(chunk);
    chunk.fill(255);
  }
  const bytes = buffer.take();
  assertEquals([...bytes], Array.from({ length: 100 }, (_, i) => i));
  assert(bytes.buffer.byteLength <= 200, `${bytes.buffer.byteLength} bytes`);
});

test("ByteBuffer copies nothing of a chunk that is alone in its buffer", () => {
  const buffer = new ByteBuffer();
  const chunk = new Uint8Array(1000).fill(7);
  buffer.push(chunk);
  assertStrictEquals(buffer.take().buffer, chunk.buffer);
});

test("ByteBuffer never writes into a chunk", () => {
  const chunk = new Uint8Array(10).fill(1);
  const buffer = new ByteBuffer();
  buffer.push(chunk.subarray(0, 6));
  buffer.push(Uint8Array.of(2));
  assertEquals([...buffer.take()], [1, 1, 1, 1, 1, 1, 2]);
  assertEquals([...chunk], new Array(10).fill(1));
});

test("ByteBuffer ends with exactly the expected bytes, and allocates no more before they arrive", () => {
  const buffer = new ByteBuffer();
  for (let i = 0; i < 1000; i++) buffer.push(smallChunk(0), 1000);
  assertEquals(buffer.take().buffer.byteLength, 1000);
  buffer.push(smallChunk(0), 2 ** 53);
  buffer.push(smallChunk(0), 2 ** 53);
  assertEquals(buffer.take().buffer.byteLength, 2);
});
