import { assertEquals } from "@std/assert";
import type { ChangeNote } from "../../../lib/wire/change_note.ts";
import { encodeChangeNote } from "../../../lib/wire/change_note.ts";
import { type ChannelReply, decodeChannelReply } from "../../../lib/wire/channel_reply.ts";
import { writeGets, writePing } from "../../../lib/wire/channel_request.ts";
import { type ChangeMessage, writeChange } from "../../../lib/wire/channel_changes.ts";
import { FrameDecoder } from "../../../lib/wire/frames.ts";
import type { Writer } from "../../../lib/wire/writer.ts";
import { test } from "../../runtime.ts";
import { channelMessage } from "../../wire/channel_message.ts";
import { OURS, Setup, valueOf } from "./setup.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const NOTE: ChangeNote = {
  stamp: { time: 7, origin: "someone" },
  list: "list",
  settledTime: 6,
  mark: "-",
};
const REMOVAL: ChangeMessage = {
  id: 1,
  group: "group",
  key: "key",
  note: encodeChangeNote(NOTE),
  value: undefined,
  ttlMs: undefined,
};
const SET: ChangeMessage = { ...REMOVAL, value: new TextEncoder().encode("value") };

/** Sends one message on a new channel, and returns the replies to it. */
async function exchange(
  setup: Setup,
  write: (writer: Writer) => void,
): Promise<{ opening: ChannelReply | undefined; replies: ChannelReply[] }> {
  let body!: ReadableStreamDefaultController<Bytes>;
  const stream = new ReadableStream<Bytes>({ start: (given) => void (body = given) });
  const request = { method: "POST", headers: OURS, body: stream, duplex: "half" } as const;
  const response = await setup.send("/_groupcache/_channel/", request);
  body.enqueue(channelMessage(write));
  body.close();
  const bytes = new Uint8Array(await response.arrayBuffer());
  const [opening, ...replies] = new FrameDecoder().push(bytes).map(decodeChannelReply);
  return { opening, replies };
}

/** What the server answers to one change: its outcome, or `request` if it takes a request. */
async function outcomeOf(setup: Setup, change: ChangeMessage): Promise<unknown> {
  const { replies } = await exchange(setup, (writer) => {
    writeChange(writer, change);
    writePing(writer, 1);
  });
  assertEquals(replies.at(-1)?.pong, 1, "the channel goes on");
  const answers = replies.flatMap(({ answers }) => answers);
  assertEquals(answers.map(({ id }) => id), [change.id]);
  return answers[0]?.isLarge ? "request" : answers[0]?.staleAt;
}

test("A channel takes changes, and says so when it opens", async () => {
  const setup = new Setup();
  const { opening, replies } = await exchange(setup, (writer) => {
    writeChange(writer, REMOVAL);
    writeChange(writer, { ...REMOVAL, id: 2, key: "other" });
    writeGets(writer, { group: "group", peek: true, timeoutMs: 1, firstId: 3, keys: ["set"] });
    writeChange(writer, { ...SET, id: 4, key: "set", ttlMs: 5000 });
    writePing(writer, 1);
  });
  assertEquals(opening?.takesChanges, true);
  assertEquals(setup.group.dropped, ["key", "other"]);
  const stored = setup.group.values.get("set");
  assertEquals([stored?.view.text(), stored?.expiresAtMs], ["value", setup.clock.now() + 5000]);
  const [reply] = replies;
  assertEquals(replies.length, 1);
  assertEquals(reply?.answers.slice(0, 3).map(({ id, staleAt }) => [id, staleAt]), [
    [1, 0],
    [2, 0],
    [4, 0],
  ]);
  assertEquals([typeof reply?.mark, reply?.pong], ["string", 1]);
});

test("A channel says of a set that may come too late which time the next one must come after", async () => {
  const setup = new Setup({ changes: { time: 99, receiveValue: () => "stale" } });
  assertEquals(await outcomeOf(setup, SET), 99);
  assertEquals(setup.group.values.size, 0);
});

test("A channel stores the value of a set that is sent twice once", async () => {
  const setup = new Setup({ changes: { receiveValue: () => "no" } });
  setup.group.values.set("key", valueOf("stored before"));
  assertEquals(await outcomeOf(setup, SET), 0);
  assertEquals(setup.group.values.get("key")?.view.text(), "stored before");
});

test("A channel removes the key of a group that this process lacks", async () => {
  const setup = new Setup();
  assertEquals(await outcomeOf(setup, { ...REMOVAL, group: "other" }), 0);
  assertEquals(setup.group.dropped, ["key"]);
});

const UNFIT: { name: string; change: ChangeMessage; setup?: () => Setup }[] = [
  { name: "of a group that is not there, with a value", change: { ...SET, group: "other" } },
  { name: "of a cache that was closed", change: { ...REMOVAL, group: "closed" } },
  { name: "of no key", change: { ...REMOVAL, key: "" } },
  { name: "of a key that is too large", change: { ...REMOVAL, key: "k".repeat(65_537) } },
  { name: "with nothing to accompany it", change: { ...REMOVAL, note: "" } },
  { name: "without a mark", change: { ...REMOVAL, note: "7 someone list 6" } },
  { name: "with a value that is too large", change: { ...SET, value: new Uint8Array(1001) } },
  {
    name: "whose time has to be confirmed",
    change: REMOVAL,
    setup: () => new Setup({ confirmTime: () => Promise.reject(new Error("nobody knows it")) }),
  },
  {
    name: "from a sender without a proof to a process with secrets",
    change: REMOVAL,
    setup: unproved,
  },
];

for (const { name, change, setup = () => new Setup() } of UNFIT) {
  test(`A channel has a change sent as a request ${name}`, async () => {
    const each = setup();
    assertEquals(await outcomeOf(each, change), "request");
    assertEquals([each.group.dropped, each.group.values.size], [[], 0]);
  });
}

test("A process with secrets says that it takes changes only to a sender with a proof", async () => {
  const { opening } = await exchange(unproved(), () => {});
  assertEquals(opening?.takesChanges, false);
  const setup = new Setup({ authenticates: true });
  assertEquals((await exchange(setup, () => {})).opening?.takesChanges, true);
  assertEquals(await outcomeOf(setup, REMOVAL), 0);
  assertEquals(setup.group.dropped, ["key"]);
});

/** A process with secrets, which lets senders without a proof in. */
function unproved(): Setup {
  return new Setup({ authenticates: true, confirmTime: () => undefined });
}
