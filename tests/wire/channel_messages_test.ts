import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  decodeChannelReply,
  writeError,
  writeGoaway,
  writeLarge,
  writeMark,
  writeOutcome,
  writePart,
  writePong,
  writeTakesChanges,
  writeValue,
} from "../../lib/wire/channel_reply.ts";
import {
  decodeChannelRequest,
  type GetsMessage,
  writeCancel,
  writeGets,
  writePing,
} from "../../lib/wire/channel_request.ts";
import { FrameDecoder } from "../../lib/wire/frames.ts";
import { traceparentAt, tracesOf } from "../../lib/wire/key_traces.ts";
import type { Writer } from "../../lib/wire/writer.ts";
import { test } from "../runtime.ts";
import { channelMessage } from "./channel_message.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** The message that `write` writes, without its length. */
function message(write: (writer: Writer) => void): Bytes {
  const [bytes, ...more] = new FrameDecoder().push(channelMessage(write));
  assertEquals(more, []);
  return bytes as Bytes;
}

const GETS = { group: "g", peek: false, timeoutMs: Infinity, firstId: 1 };

const anyText = fc.array(fc.nat({ max: 0x2fff })).map((codes) => String.fromCharCode(...codes));
const anyId = fc.nat({ max: 2 ** 31 - 1 });
const anyBytes = fc.uint8Array({ maxLength: 300 }).map((bytes) => Uint8Array.from(bytes));

test("A channel's request gives the keys, cancels and ping that were written", () => {
  const anyGets: fc.Arbitrary<GetsMessage> = fc.record({
    group: anyText,
    peek: fc.boolean(),
    timeoutMs: fc.oneof(fc.nat(), fc.constant(Infinity)),
    firstId: anyId,
    keys: fc.array(anyText),
  });
  fc.assert(fc.property(fc.array(anyGets), fc.array(anyId), anyId, (gets, cancels, ping) => {
    const bytes = message((writer) => {
      for (const block of gets) writeGets(writer, block);
      for (const id of cancels) writeCancel(writer, id);
      writePing(writer, ping);
    });
    assertEquals(decodeChannelRequest(bytes), { gets, changes: [], cancels, ping });
  }));
});

test("A channel's request gives each key the trace that was written for it", () => {
  const anyCall = fc.record({
    key: anyText,
    traceparent: fc.option(fc.constantFrom("a", "b"), { nil: undefined }),
  });
  fc.assert(fc.property(fc.array(fc.array(anyCall)), (blocks) => {
    const { gets } = decodeChannelRequest(message((writer) => {
      for (const calls of blocks) {
        const keys = calls.map(({ key }) => key);
        writeGets(writer, { ...GETS, keys, traces: tracesOf(calls) });
      }
    }));
    assertEquals(
      gets.map(({ keys, traces = [] }) =>
        keys.map((key, index) => ({ key, traceparent: traceparentAt(traces, index) }))
      ),
      blocks,
    );
  }));
});

test("Traces without keys between them take no memory", () => {
  const bytes = message((writer) => {
    writeGets(writer, { ...GETS, keys: [] });
    for (let i = 0; i < 1000; i++) {
      writer.reserve(10);
      writer.varint(8 * 8 + 2); // Field 8, text.
      writer.text(`${i}`);
    }
  });
  const { gets: [block] } = decodeChannelRequest(bytes);
  assertEquals(block?.traces, [{ from: 0, traceparent: "999" }]);
});

test("A channel's reply gives the values and errors that were written, in their order", () => {
  const ttlMs = fc.oneof(fc.nat({ max: 2 ** 31 - 1 }), fc.constant(undefined));
  const anyValue = fc.record({
    value: anyBytes,
    ttlMs,
    minuteQps: fc.double({ noNaN: true }),
  });
  const anyError = fc.record({
    code: fc.constant("load-failed"),
    message: anyText,
    details: fc.oneof(anyText, fc.constant(undefined)),
  });
  const anyAnswer = fc.oneof(anyValue, anyError);
  fc.assert(fc.property(fc.array(fc.tuple(anyId, anyAnswer)), (answers) => {
    const { answers: read } = decodeChannelReply(message((writer) => {
      for (const [id, answer] of answers) {
        if ("message" in answer) writeError(writer, id, answer);
        else writeValue(writer, id, answer);
      }
    }));
    assertEquals(
      read.map(({ id, value, ttlMs, minuteQps, error, message, details }) =>
        value === undefined
          ? [id, { code: error, message, details }]
          : [id, { value: value.bytes(), ttlMs, minuteQps }]
      ),
      answers,
    );
  }));
});

test("A channel's reply gives parts, large values, pongs and goaways", () => {
  const reply = decodeChannelReply(message((writer) => {
    writePart(writer, 1, Uint8Array.of(1, 2));
    writeLarge(writer, 2);
    writePong(writer, 3);
    writeGoaway(writer);
  }));
  assertEquals(reply.answers.map(({ id, part, isLarge }) => [id, part, isLarge]), [
    [1, Uint8Array.of(1, 2), false],
    [2, undefined, true],
  ]);
  assertEquals([reply.pong, reply.isGoingAway], [3, true]);
});

test("A channel's reply gives the outcomes of changes, a mark, and whether changes are taken", () => {
  const reply = decodeChannelReply(message((writer) => {
    writeTakesChanges(writer);
    writeOutcome(writer, 1, 0);
    writeOutcome(writer, 2, 2 ** 47);
    writeLarge(writer, 3);
    writeMark(writer, "giver.7");
  }));
  assertEquals(reply.answers.map(({ id, staleAt, isLarge }) => [id, staleAt, isLarge]), [
    [1, 0, false],
    [2, 2 ** 47, false],
    [3, undefined, true],
  ]);
  assertEquals([reply.takesChanges, reply.mark], [true, "giver.7"]);
  assertEquals(decodeChannelReply(message(() => {})).takesChanges, false);
});

test("A message without fields is a sign of life", () => {
  const empty = message(() => {});
  assertEquals(decodeChannelReply(empty).answers, []);
  assertEquals(decodeChannelRequest(empty), {
    gets: [],
    changes: [],
    cancels: [],
    ping: undefined,
  });
});

test("A channel's messages may have fields of later versions", () => {
  const stamp = [15 * 8 + 2, 2, 7, 7]; // Field 15, two bytes.
  const request = message((writer) =>
    writeGets(writer, { group: "g", peek: false, timeoutMs: Infinity, firstId: 1, keys: ["k"] })
  );
  assertEquals(
    decodeChannelRequest(new Uint8Array([...stamp, ...request, ...stamp])),
    decodeChannelRequest(request),
  );
  const value = { value: Uint8Array.of(1), minuteQps: 0, ttlMs: undefined };
  const reply = message((writer) => writeValue(writer, 1, value));
  assertEquals(
    decodeChannelReply(new Uint8Array([...stamp, ...reply, ...stamp])),
    decodeChannelReply(reply),
  );
});

test("Noise is a message or a RangeError", () => {
  for (const decode of [decodeChannelRequest, decodeChannelReply]) {
    fc.assert(fc.property(anyBytes, (bytes) => {
      try {
        decode(bytes);
      } catch (error) {
        assertThrows(() => {
          throw error;
        }, RangeError);
      }
    }));
  }
});
