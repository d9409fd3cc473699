import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import protobufjs from "protobufjs";
import { FrameDecoder } from "../../lib/wire/frames.ts";
import { test } from "../runtime.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const anyMessage = fc.uint8Array({ maxLength: 300 }).map((bytes) => Uint8Array.from(bytes));

/** Messages behind their lengths, as protobuf.js writes them. */
function streamOf(messages: Bytes[]): Bytes {
  const writer = protobufjs.Writer.create();
  for (const message of messages) writer.bytes(message);
  return Uint8Array.from(writer.finish());
}

/** `bytes` in pieces that end at the given places, and at the end. */
function cut(bytes: Bytes, ends: number[]): Bytes[] {
  const sorted = ends.map((end) => Math.min(end, bytes.byteLength)).sort((a, b) => a - b);
  return [...sorted, bytes.byteLength].map((end, index) =>
    bytes.slice(index === 0 ? 0 : sorted[index - 1], end)
  );
}

test("FrameDecoder finds the same messages however the stream was cut", () => {
  const anyEnds = fc.array(fc.nat({ max: 1000 }), { maxLength: 12 });
  fc.assert(fc.property(fc.array(anyMessage, { maxLength: 5 }), anyEnds, (messages, ends) => {
    const decoder = new FrameDecoder();
    const found = cut(streamOf(messages), ends).flatMap((chunk) => decoder.push(chunk));
    assertEquals(found, messages);
    assertEquals(decoder.push(Uint8Array.of(0)), [new Uint8Array()], "nothing is left over");
  }));
});

test("FrameDecoder finds the same messages when the bytes come one by one", () => {
  const messages = [0, 1, 127, 128, 300].map((length) => new Uint8Array(length).fill(length));
  const decoder = new FrameDecoder();
  const found = [...streamOf(messages)].flatMap((byte) => decoder.push(Uint8Array.of(byte)));
  assertEquals(found, messages);
});

test("FrameDecoder returns a message as soon as its last byte has arrived", () => {
  const decoder = new FrameDecoder();
  assertEquals(decoder.push(Uint8Array.of(1, 7, 2)), [Uint8Array.of(7)]);
  assertEquals(decoder.push(Uint8Array.of(8)), []);
  assertEquals(decoder.push(Uint8Array.of(9)), [Uint8Array.of(8, 9)]);
});

test("FrameDecoder does not copy messages that lie whole in a chunk", () => {
  const chunk = streamOf([Uint8Array.of(1), Uint8Array.of(2, 3)]);
  for (const message of new FrameDecoder().push(chunk)) {
    assertEquals(message.buffer, chunk.buffer);
  }
});

test("FrameDecoder keeps no chunk that is a small part of its buffer", () => {
  const decoder = new FrameDecoder();
  const message = Uint8Array.from({ length: 100 }, (_, i) => i);
  const found = [...streamOf([message])].flatMap((byte) => {
    // As Deno hands out bodies: a byte at the front of a buffer of 64 KiB.
    const chunk = new Uint8Array(64 << 10).fill(byte).subarray(0, 1);
    const messages = decoder.push(chunk);
    chunk.fill(255);
    return messages;
  });
  assertEquals(found, [message]);
});

test("FrameDecoder does not retain a chunk for the beginning of a message at its end", () => {
  const decoder = new FrameDecoder();
  const chunk = new Uint8Array(64 << 10);
  chunk.set([1, 7, 2, 8]);
  assertEquals(decoder.push(chunk.subarray(0, 4)).map((message) => [...message]), [[7]]);
  chunk.fill(255);
  assertEquals(decoder.push(Uint8Array.of(9)), [Uint8Array.of(8, 9)]);
});

test("FrameDecoder accepts empty chunks", () => {
  const decoder = new FrameDecoder();
  const nothing = new Uint8Array();
  assertEquals(decoder.push(nothing), []);
  assertEquals(decoder.push(Uint8Array.of(2, 1)), []);
  assertEquals(decoder.push(nothing), []);
  assertEquals(decoder.push(Uint8Array.of(2)), [Uint8Array.of(1, 2)]);
});

test("FrameDecoder reads a length as soon as it has arrived, and a message only once it is complete", () => {
  // 2^53 - 1, of which nothing follows.
  const length = Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 15);
  const decoder = new FrameDecoder();
  assertEquals(decoder.push(length), []);
  assertEquals(decoder.push(Uint8Array.of(0)), []);
});

const BAD_LENGTHS: { name: string; bytes: Bytes }[] = [
  { name: "2^53", bytes: Uint8Array.of(128, 128, 128, 128, 128, 128, 128, 16) },
  { name: "64 bits", bytes: new Uint8Array([...new Array(9).fill(255), 1]) },
  { name: "unlimited size", bytes: new Uint8Array(20).fill(128) },
];

for (const { name, bytes } of BAD_LENGTHS) {
  test(`FrameDecoder refuses a length of ${name}`, () => {
    assertThrows(() => new FrameDecoder().push(bytes), RangeError, "more than 53 bits");
  });
}

test("FrameDecoder accepts any bytes, or throws a RangeError", () => {
  const anyChunks = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 8 });
  fc.assert(fc.property(anyChunks, (chunks) => {
    const decoder = new FrameDecoder();
    try {
      for (const chunk of chunks) decoder.push(Uint8Array.from(chunk));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }));
});

// ------------------------------------------------------------------------------------- too large

test("FrameDecoder skips messages that are too large, however the stream was cut", () => {
  const anyEnds = fc.array(fc.nat({ max: 1000 }), { maxLength: 12 });
  const anyMaxBytes = fc.nat({ max: 300 });
  const anyMessages = fc.array(anyMessage, { maxLength: 5 });
  fc.assert(fc.property(anyMessages, anyEnds, anyMaxBytes, (messages, ends, maxBytes) => {
    const tooLarge: [Bytes, number][] = [];
    const decoder = new FrameDecoder({
      maxBytes,
      onTooLarge: (start, byteLength) => tooLarge.push([start.slice(), byteLength]),
    });
    const found = cut(streamOf(messages), ends).flatMap((chunk) => decoder.push(chunk));
    assertEquals(found, messages.filter(({ byteLength }) => byteLength <= maxBytes));
    assertEquals(
      tooLarge,
      messages.filter(({ byteLength }) => byteLength > maxBytes)
        .map((message) => [message.slice(0, 64), message.byteLength]),
    );
    assertEquals(decoder.push(Uint8Array.of(0)), [new Uint8Array()], "nothing is left over");
  }));
});

test("FrameDecoder reports the exact size of the largest message, wherever it begins", () => {
  const sizes: number[] = [];
  const decoder = new FrameDecoder({ maxBytes: 1000, onTooLarge: (_, size) => sizes.push(size) });
  const largest = [255, 255, 255, 255, 255, 255, 255, 15, ...new Array(64).fill(0)];
  decoder.push(Uint8Array.of(1, 7, ...largest));
  assertEquals(sizes, [Number.MAX_SAFE_INTEGER]);
});

test("FrameDecoder reports a message of 4 GiB at its beginning, and keeps nothing of the rest", () => {
  const told: number[] = [];
  const decoder = new FrameDecoder({
    maxBytes: 1000,
    onTooLarge: (start, byteLength) => told.push(start.byteLength, byteLength),
  });
  assertEquals(decoder.push(Uint8Array.of(128, 128, 128, 128, 16)), []);
  assertEquals(decoder.push(new Uint8Array(63)), []);
  assertEquals(told, []);
  assertEquals(decoder.push(new Uint8Array(1)), []);
  assertEquals(told, [64, 2 ** 32]);
  const chunk = new Uint8Array(1 << 20);
  for (let i = 0; i < 4095; i++) assertEquals(decoder.push(chunk), []);
  assertEquals(decoder.push(chunk.subarray(64)), []);
  assertEquals(decoder.push(Uint8Array.of(1, 7)), [Uint8Array.of(7)]);
});
