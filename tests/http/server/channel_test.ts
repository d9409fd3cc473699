import { assert, assertEquals } from "@std/assert";
import {
  type ChannelAnswer,
  type ChannelReply,
  decodeChannelReply,
} from "../../../lib/wire/channel_reply.ts";
import {
  type GetsMessage,
  writeCancel,
  writeGets,
  writePing,
} from "../../../lib/wire/channel_request.ts";
import { FrameDecoder } from "../../../lib/wire/frames.ts";
import type { Writer } from "../../../lib/wire/writer.ts";
import { test } from "../../runtime.ts";
import { channelMessage } from "../../wire/channel_message.ts";
import { type FakeGroup, OURS, Setup, valueOf } from "./setup.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** A channel to a handler, as its client sees it. */
class OpenChannel {
  readonly setup: Setup;
  readonly response: Response;
  /** What has arrived. */
  readonly replies: ChannelReply[] = [];
  chunks = 0;
  hasEnded = false;
  #body: ReadableStreamDefaultController<Bytes>;
  #reader: ReadableStreamDefaultReader<Bytes>;

  private constructor(
    setup: Setup,
    response: Response,
    body: ReadableStreamDefaultController<Bytes>,
  ) {
    this.setup = setup;
    this.response = response;
    this.#body = body;
    this.#reader = (response.body as ReadableStream<Bytes>).getReader();
  }

  static async open(setup: Setup = new Setup(), { reads = true } = {}): Promise<OpenChannel> {
    let controller!: ReadableStreamDefaultController<Bytes>;
    const body = new ReadableStream<Bytes>({ start: (given) => void (controller = given) });
    const request = { method: "POST", headers: OURS, body, duplex: "half" } as const;
    const response = await setup.send("/_groupcache/_channel/", request);
    const channel = new OpenChannel(setup, response, controller);
    if (reads) channel.read();
    return channel;
  }

  get group(): FakeGroup {
    return this.setup.group;
  }

  get answers(): ChannelAnswer[] {
    return this.replies.flatMap(({ answers }) => answers);
  }

  /** What each answer says: a value as text, or an error's code. */
  get outcomes(): [id: number, outcome: string | undefined][] {
    return this.answers.map(({ id, value, error }) => [
      id,
      error ?? value?.text(),
    ]);
  }

  async read(): Promise<void> {
    const frames = new FrameDecoder();
    for (;;) {
      const { done, value } = await this.#reader.read();
      if (done) break;
      this.chunks++;
      this.replies.push(...frames.push(value).map(decodeChannelReply));
    }
    this.hasEnded = true;
  }

  async send(write: (writer: Writer) => void): Promise<void> {
    await this.sendBytes(channelMessage(write));
  }

  async sendBytes(bytes: Bytes): Promise<void> {
    this.#body.enqueue(bytes);
    await this.setup.clock.advance(0);
  }

  get(keys: string[], gets: Partial<GetsMessage> = {}): Promise<void> {
    const message = { group: "group", peek: false, timeoutMs: Infinity, firstId: 1, keys, ...gets };
    return this.send((writer) => writeGets(writer, message));
  }

  async close(): Promise<void> {
    this.#body.close();
    await this.setup.clock.advance(0);
  }

  async leave(): Promise<void> {
    await this.#reader.cancel();
    await this.setup.clock.advance(0);
  }
}

test("A channel is open before the client has asked for anything", async () => {
  const channel = await OpenChannel.open();
  assertEquals(channel.response.status, 200);
  assertEquals(channel.response.headers.get("content-type"), "application/x-groupcache-channel");
  assertEquals(channel.response.headers.get("groupcache-version"), "1");
  await channel.setup.clock.advance(0);
  assertEquals(channel.chunks, 1, "Bun sends no headers without it");
  await channel.close();
  assert(channel.hasEnded);
  assertEquals(channel.setup.clock.pendingTimers, 0);
});

test("A channel answers what is in memory in one chunk, with the pong", async () => {
  const channel = await OpenChannel.open();
  for (const key of ["a", "b"]) channel.group.values.set(key, valueOf(`value of ${key}`));
  await channel.setup.clock.advance(0);
  await channel.send((writer) => {
    const gets = { group: "group", peek: false, timeoutMs: Infinity };
    writeGets(writer, { ...gets, firstId: 7, keys: ["b", "a"] });
    writeGets(writer, { ...gets, firstId: 20, keys: ["a"] });
    writePing(writer, 3);
  });
  assertEquals(channel.outcomes, [[7, "value of b"], [8, "value of a"], [20, "value of a"]]);
  assertEquals(channel.replies.at(-1)?.pong, 3);
  assertEquals(channel.chunks, 2);
  assertEquals(channel.group.counted, ["b", "a", "a"]);
});

test("A channel answers loads as they finish, and pings without them", async () => {
  const channel = await OpenChannel.open();
  await channel.get(["slow", "quick"]);
  await channel.send((writer) => writePing(writer, 1));
  assertEquals(channel.replies.at(-1)?.pong, 1);
  channel.setup.load(1).resolve(valueOf("quick value"));
  await channel.setup.clock.advance(0);
  channel.setup.load(0).reject(new Error("no database"));
  await channel.setup.clock.advance(0);
  assertEquals(channel.outcomes, [[2, "quick value"], [1, "load-failed"]]);
});

test("A channel shows life four times a second while a load goes on, and no longer", async () => {
  const channel = await OpenChannel.open();
  await channel.get(["slow"]);
  const before = channel.chunks;
  await channel.setup.clock.advance(1000);
  assertEquals(channel.chunks, before + 4);
  channel.setup.load().resolve(valueOf("at last"));
  await channel.setup.clock.advance(300);
  const after = channel.chunks;
  await channel.setup.clock.advance(2000);
  assertEquals(channel.chunks, after);
});

test("A channel aborts the load of a key that is cancelled, and that one alone", async () => {
  const channel = await OpenChannel.open();
  await channel.get(["a", "b"]);
  await channel.send((writer) => writeCancel(writer, 1));
  assertEquals(channel.group.loads.map(({ signal }) => signal.aborted), [true, false]);
  channel.setup.load(1).resolve(valueOf("b"));
  await channel.setup.clock.advance(0);
  assertEquals(channel.outcomes, [[2, "b"]]);
  // Of what is answered or was never asked for it is of no effect.
  await channel.send((writer) => [2, 99].forEach((id) => writeCancel(writer, id)));
  await channel.send((writer) => writePing(writer, 1));
  assertEquals(channel.replies.at(-1)?.pong, 1);
});

test("A channel waits for a load no longer than the client", async () => {
  const channel = await OpenChannel.open();
  await channel.get(["slow"], { timeoutMs: 500 });
  await channel.setup.clock.advance(500);
  assertEquals(channel.outcomes, [[1, "timeout"]]);
});

test("A channel loads nothing for a peek", async () => {
  const channel = await OpenChannel.open();
  channel.group.values.set("held", valueOf("hello"));
  await channel.get(["missing", "held"], { peek: true });
  await channel.send((writer) => writePing(writer, 1));
  assertEquals(channel.outcomes, [[1, "not-found"], [2, "hello"]]);
  assertEquals(channel.group.loads, []);
});

const REFUSED: { name: string; keys: string[]; group?: string; code: string }[] = [
  { name: "of a group that is not there", keys: ["a", "b"], group: "other", code: "peer-failed" },
  { name: "of a cache that was closed", keys: ["a"], group: "closed", code: "closed" },
  { name: "that is empty", keys: [""], code: "bad-key" },
  { name: "that is too large", keys: ["k".repeat(65_537)], code: "bad-key" },
];

for (const { name, keys, group = "group", code } of REFUSED) {
  test(`A channel refuses a key ${name} with code ${code}, and goes on`, async () => {
    const channel = await OpenChannel.open();
    await channel.get(keys, { group });
    await channel.send((writer) => writePing(writer, 1));
    assertEquals(channel.outcomes, keys.map((_, index) => [index + 1, code]));
    assertEquals(channel.replies.at(-1)?.pong, 1);
  });
}

test("A channel sends no value beyond the bound", async () => {
  const channel = await OpenChannel.open();
  channel.group.values.set("held", valueOf("x".repeat(1001)));
  await channel.get(["held", "loaded"]);
  channel.setup.load().resolve(valueOf("x".repeat(1001)));
  await channel.send((writer) => writePing(writer, 1));
  assertEquals(channel.outcomes, [[1, "too-large"], [2, "too-large"]]);
});

test("A channel leaves large values in memory to requests, and sends loaded ones in parts", async () => {
  const channel = await OpenChannel.open(new Setup({ maxValueBytes: 1 << 20 }));
  const text = "x".repeat(65_536 * 3 + 1);
  channel.group.values.set("held", valueOf(text));
  await channel.get(["held", "loaded"]);
  channel.setup.load().resolve(valueOf(text));
  // Each part takes a turn of its own.
  for (let part = 0; part < 4; part++) await channel.setup.clock.advance(0);
  assertEquals(
    channel.answers.map(({ id, isLarge, part, value }) => [
      id,
      isLarge ? "large" : part?.byteLength ?? value?.size,
    ]),
    [[1, "large"], [2, 65_536], [2, 65_536], [2, 65_536], [2, 1]],
  );
});

test("A channel buffers 1 MiB for a client that stalls, and reads no more keys", async () => {
  const setup = new Setup({ maxValueBytes: 1 << 20 });
  let finds = 0;
  const { find } = setup.group;
  setup.group.find = (key) => {
    finds++;
    return find.call(setup.group, key);
  };
  setup.group.values.set("key", valueOf("x".repeat(60_000)));
  const channel = await OpenChannel.open(setup, { reads: false });
  await channel.get(new Array<string>(500).fill("key"));
  await channel.get(new Array<string>(500).fill("key"), { firstId: 501 });
  assert(finds * 60_000 < (1 << 20) + 300_000, `${finds} values of 60,000 bytes`);
  channel.read();
  await channel.setup.clock.advance(0);
  while (channel.answers.length < 1000) await channel.setup.clock.advance(1);
  assertEquals(finds, 1000);
});

test("A channel whose client leaves ends all loads, and its timers", async () => {
  const channel = await OpenChannel.open(new Setup(), { reads: false });
  await channel.get(["a", "b"]);
  await channel.leave();
  assertEquals(channel.group.loads.map(({ signal }) => signal.aborted), [true, true]);
  assertEquals(channel.setup.clock.pendingTimers, 0);
});

test("A channel whose client sends no more ends with the last load", async () => {
  const channel = await OpenChannel.open();
  await channel.get(["slow"]);
  await channel.close();
  assertEquals(channel.hasEnded, false);
  channel.setup.load().resolve(valueOf("hello"));
  await channel.setup.clock.advance(0);
  assertEquals(channel.outcomes, [[1, "hello"]]);
  assert(channel.hasEnded);
  assertEquals(channel.setup.clock.pendingTimers, 0);
});

test("A channel is ended when nothing was asked for 15 seconds", async () => {
  const channel = await OpenChannel.open();
  await channel.setup.clock.advance(14_999);
  await channel.send((writer) => writePing(writer, 1));
  await channel.setup.clock.advance(14_999);
  assertEquals(channel.replies.some(({ isGoingAway }) => isGoingAway), false);
  await channel.setup.clock.advance(1);
  assert(channel.replies.at(-1)?.isGoingAway);
  await channel.setup.clock.advance(1000);
  assert(channel.hasEnded);
  assertEquals(channel.setup.clock.pendingTimers, 0);
});

test("A channel that its client does not replace is ended when it is asked after 5 minutes", async () => {
  const channel = await OpenChannel.open();
  channel.group.values.set("key", valueOf("hello"));
  const { clock } = channel.setup;
  const openedAtMs = clock.now();
  while (clock.now() < openedAtMs + 300_000) {
    await clock.advance(10_000);
    await channel.get(["key"], { firstId: clock.now() });
  }
  assertEquals([channel.answers.length, channel.hasEnded], [30, false]);
  await clock.advance(10_000);
  await channel.send((writer) => writeCancel(writer, 1));
  assertEquals(channel.hasEnded, false, "it may still say what it does not want any more");
  await channel.get(["key"], { firstId: clock.now() });
  assertEquals([channel.answers.length, channel.hasEnded], [30, true]);
  assertEquals(clock.pendingTimers, 0);
});

test("PeerHandler.close() tells clients to leave, and ends channels within a second", async () => {
  const channel = await OpenChannel.open();
  channel.setup.handler.close();
  await channel.setup.clock.advance(999);
  assert(channel.replies.at(-1)?.isGoingAway);
  assertEquals(channel.hasEnded, false);
  await channel.setup.clock.advance(1);
  assert(channel.hasEnded);
  assertEquals(channel.setup.clock.pendingTimers, 0);
});

const GARBAGE: { name: string; bytes: Bytes }[] = [
  { name: "noise", bytes: Uint8Array.of(3, 255, 255, 255) },
  {
    name: "a message of 4 GiB",
    bytes: Uint8Array.of(128, 128, 128, 128, 16, ...new Uint8Array(64)),
  },
  { name: "a length of more than 53 bits", bytes: new Uint8Array(12).fill(255) },
];

for (const { name, bytes } of GARBAGE) {
  test(`A channel that is sent ${name} ends`, async () => {
    const channel = await OpenChannel.open();
    await channel.get(["slow"]);
    await channel.sendBytes(bytes);
    assert(channel.hasEnded);
    assert(channel.setup.load().signal.aborted);
    assertEquals(channel.setup.clock.pendingTimers, 0);
  });
}

test("A process serves 512 channels, and refuses more until one of them ends", async () => {
  const setup = new Setup();
  const channels: OpenChannel[] = [];
  for (let i = 0; i < 512; i++) channels.push(await OpenChannel.open(setup));
  const refused = await OpenChannel.open(setup);
  assertEquals(refused.response.headers.get("groupcache-error"), "overloaded");
  await channels[0]?.close();
  assertEquals((await OpenChannel.open(setup)).response.status, 200);
});
