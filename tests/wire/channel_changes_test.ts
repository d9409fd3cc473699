import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { decodeChannelRequest, writeGets, writePing } from "../../lib/wire/channel_request.ts";
import { type ChangeMessage, writeChange } from "../../lib/wire/channel_changes.ts";
import { test } from "../runtime.ts";
import { channelMessage } from "./channel_message.ts";

const anyText = fc.array(fc.nat({ max: 0x2fff })).map((codes) => String.fromCharCode(...codes));
const anyNumber = fc.nat({ max: 2 ** 31 - 1 });

/** A removal, or a value with the time that it has left. */
const anyChange: fc.Arbitrary<ChangeMessage> = fc.record({
  id: anyNumber,
  group: anyText,
  key: anyText,
  note: anyText,
}).chain((removal) =>
  fc.oneof(
    fc.constant({ ...removal, value: undefined, ttlMs: undefined }),
    fc.record({
      value: fc.uint8Array({ maxLength: 300 }).map((bytes) => Uint8Array.from(bytes)),
      ttlMs: fc.oneof(anyNumber, fc.constant(undefined)),
    }).map((value) => ({ ...removal, ...value })),
  )
);

test("A channel's request gives the changes that were written, among keys", () => {
  fc.assert(
    fc.property(fc.array(anyChange), fc.array(anyText), anyNumber, (changes, keys, ping) => {
      const gets = { group: "g", peek: false, timeoutMs: Infinity, firstId: 1, keys };
      const bytes = channelMessage((writer) => {
        changes.forEach((change, index) => {
          if (index === 1) writeGets(writer, gets);
          writeChange(writer, change);
        });
        writePing(writer, ping);
      }).subarray(4);
      assertEquals(decodeChannelRequest(bytes), {
        gets: changes.length > 1 ? [gets] : [],
        changes,
        cancels: [],
        ping,
      });
    }),
  );
});

test("Fields of a change before any change are skipped", () => {
  const bytes = channelMessage((writer) => {
    writer.varint(12 * 8 + 2); // A note.
    writer.text("x");
    writePing(writer, 1);
  }).subarray(4);
  assertEquals(decodeChannelRequest(bytes).changes, []);
});
