import { assert, assertEquals } from "@std/assert";
import type { GroupCache } from "@groupcache/groupcache";
import { CHANNEL_PATH } from "../../../lib/http/paths.ts";
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
} from "../../../lib/wire/channel_reply.ts";
import {
  decodeChannelRequest,
  writeCancel,
  writeGets,
  writePing,
} from "../../../lib/wire/channel_request.ts";
import { writeChange } from "../../../lib/wire/channel_changes.ts";
import { FrameDecoder } from "../../../lib/wire/frames.ts";
import { channelMessage } from "../../wire/channel_message.ts";
import { cutStream, mutateBytes } from "../mutate.ts";
import type { Random } from "../random.ts";
import { expectOnly, type FuzzTarget } from "../target.ts";
import { BASE, createCache, GROUP, KEYS, SELF } from "./recording.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const value = { value: new Uint8Array(200).fill(7), ttlMs: 60_000, minuteQps: 1.5 };

const TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/** What a client may send, one message each. */
const REQUESTS = [
  channelMessage((writer) => {
    const peek = false;
    writeGets(writer, { group: GROUP, peek, timeoutMs: 500, firstId: 1, keys: KEYS.slice(0, 9) });
    writePing(writer, 1);
  }),
  channelMessage((writer) => {
    const gets = { group: GROUP, timeoutMs: Infinity, keys: ["key 1", "é", "missing 2"] };
    writeGets(writer, { ...gets, peek: true, firstId: 50 });
    const traces = [{ from: 0, traceparent: TRACEPARENT }, { from: 2, traceparent: "" }];
    writeGets(writer, { ...gets, peek: false, firstId: 60, traces });
    writeCancel(writer, 61);
    writePing(writer, 2);
  }),
  channelMessage((writer) => {
    writeGets(writer, { group: "none", peek: false, timeoutMs: 1, firstId: 2 ** 40, keys: ["k"] });
    writeCancel(writer, 3);
  }),
  channelMessage((writer) => {
    const note = "7 a.process list 6 http://b:1 giver.5";
    const change = { group: GROUP, note, value: undefined, ttlMs: undefined };
    writeChange(writer, { ...change, id: 70, key: "key 1", value: value.value, ttlMs: 500 });
    writeChange(writer, { ...change, id: 71, key: "é" });
    writeChange(writer, { ...change, id: 72, key: "key 2", group: "none" });
    writePing(writer, 3);
  }),
];

/** What a server may send. */
const REPLIES = [
  channelMessage((writer) => {
    writeValue(writer, 1, value);
    writeError(writer, 2, {
      code: "load-failed",
      message: "the origin is down: é",
      details: '{"a":"é"}',
    });
    writeLarge(writer, 3);
    writeOutcome(writer, 5, 0);
    writeOutcome(writer, 6, 77);
    writeMark(writer, "giver.7");
    writePong(writer, 1);
  }),
  channelMessage((writer) => {
    writePart(writer, 4, value.value);
    writeValue(writer, 4, { ...value, ttlMs: undefined });
    writeGoaway(writer);
  }),
  channelMessage((writer) => writeTakesChanges(writer)),
  channelMessage(() => {}),
];

let cases = 0;
let cache: GroupCache | undefined;

/** Channels: their messages, and the server of one, whose replies are valid and come to an end. */
export const channel: FuzzTarget = {
  name: "channel",
  weight: 8,
  async run(random) {
    if (!random.oneIn(3)) return decode(random);
    if (cases++ % 500 === 0) {
      await cache?.close();
      cache = createCache();
    }
    const stream = mutateBytes(join(REQUESTS.filter(() => !random.oneIn(3))), random);
    const init = {
      method: "POST",
      headers: { "groupcache-from": "a.process" },
      body: cutStream(stream, random),
      duplex: "half",
    } as RequestInit;
    const response = await (cache as GroupCache).fetch(new Request(URL_OF_CHANNELS, init));
    assertEquals(response.status, 200);
    const frames = new FrameDecoder();
    for (const message of frames.push(await response.bytes())) {
      for (const { id } of decodeChannelReply(message).answers) assert(id >= 0);
    }
  },
};

const URL_OF_CHANNELS = `${SELF}${BASE}${CHANNEL_PATH}`;

function decode(random: Random): void {
  const [decodeOne, messages] = random.oneIn(2)
    ? [decodeChannelRequest, REQUESTS] as const
    : [decodeChannelReply, REPLIES] as const;
  const bytes = mutateBytes(random.pick(messages).slice(4), random);
  expectOnly(RangeError, () => decodeOne(bytes));
}

function join(messages: readonly Bytes[]): Bytes {
  return Uint8Array.from(messages.flatMap((message) => [...message]));
}
