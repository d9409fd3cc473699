import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { ByteBuffer } from "../../lib/wire/byte_buffer.ts";
import { test } from "../runtime.ts";

/** A byte at the front of a buffer of 64 KiB, as Deno hands out bodies. */
function smallChunk(byte: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(64 << 10).fill(byte).subarray(0, 1);
}

test("ByteBuffer.take() returns the chunks in order, whatever their sizes and buffers", () => {
  const anySize = fc.oneof(
    fc.nat({ max: 100 }),
    fc.integer({ min: 4000, max: 4200 }),
    fc.nat(100_000),
  );
  const anyChunk = fc.record({ size: anySize, isFull: fc.boolean(), byte: fc.nat({ max: 255 }) });
  const buffer = new ByteBuffer();
  fc.assert(fc.property(fc.array(anyChunk, { maxLength: 10 }), (chunks) => {
    const expected: number[] = [];
    for (const { size, isFull, byte } of chunks) {
      const whole = new Uint8Array(isFull ? size : 3 * size).fill(byte);
      buffer.push(whole.subarray(whole.byteLength - size));
      for (let i = 0; i < size; i++) expected.push(byte);
    }
    assertEquals(buffer.byteLength, expected.length);
    const bytes = buffer.take();
    assertEquals(bytes.byteLength, expected.length);
    assert(bytes.every((byte, index) => byte === expected[index]));
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

test("ByteBuffer.take() returns a buffer of exactly the bytes, and leaves nothing behind", () => {
  const buffer = new ByteBuffer();
  for (let i = 0; i < 1000; i++) buffer.push(smallChunk(0));
  assertEquals(buffer.take().buffer.byteLength, 1000);
  buffer.push(smallChunk(0));
  buffer.push(smallChunk(0));
  assertEquals(buffer.take().buffer.byteLength, 2);
});

test("ByteBuffer joins nothing of what is copied into reserved room, and goes on beyond it", () => {
  for (const size of [1000, 200_000]) {
    for (const more of [0, 1, 100_000]) {
      const bytes = Uint8Array.from({ length: size + more }, (_, index) => index);
      const buffer = new ByteBuffer();
      buffer.reserve(size);
      for (let start = 0; start < bytes.byteLength; start += 300) {
        const chunk = bytes.slice(start, start + 300);
        buffer.copy(chunk);
        chunk.fill(255);
      }
      assertEquals(buffer.byteLength, size + more);
      const taken = buffer.take();
      assert(taken.every((byte, index) => byte === bytes[index]));
      assertEquals(taken.byteLength, size + more);
      if (more === 0) assertEquals(taken.buffer.byteLength, size);
    }
  }
});
