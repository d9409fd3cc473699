import { assert, assertEquals } from "@std/assert";
import type { Auth } from "../../../lib/auth/auth.ts";
import { RequestSemaphore } from "../../../lib/http/client/request_semaphore.ts";
import { checkLimits, MAX_CHANNEL_REQUEST_BYTES } from "../../../lib/http/peer_limits.ts";
import type { HttpPeerOptions } from "../../../lib/http/client/http_peer.ts";
import {
  writeError,
  writeGoaway,
  writeLarge,
  writePart,
  writePong,
  writeValue,
} from "../../../lib/wire/channel_reply.ts";
import { type ChannelRequest, decodeChannelRequest } from "../../../lib/wire/channel_request.ts";
import { FrameDecoder } from "../../../lib/wire/frames.ts";
import { encodeHello } from "../../../lib/wire/hello.ts";
import { decodeGetKeysRequest } from "../../../lib/wire/get_keys_request.ts";
import { encodeGetResponses } from "../../../lib/wire/get_response.ts";
import type { Writer } from "../../../lib/wire/writer.ts";
import { codeOf } from "../../failures.ts";
import { test } from "../../runtime.ts";
import { channelMessage } from "../../wire/channel_message.ts";
import { type Bytes, HELLO, OURS, type Sent, Setup, utf8, valueReply } from "./setup.ts";

/** A channel, as its server sees it. */
class ServedChannel {
  readonly requests: ChannelRequest[] = [];
  isBodyClosed = false;
  #controller!: ReadableStreamDefaultController<Bytes>;
  readonly reply: ReadableStream<Bytes> = new ReadableStream({
    start: (controller) => void (this.#controller = controller),
  });

  constructor(body: ReadableStream<Bytes>, onRequest: (channel: ServedChannel) => void) {
    this.#read(body, onRequest);
  }

  /** All keys that were asked for, with their ids. */
  get keys(): [id: number, key: string][] {
    return this.requests.flatMap(({ gets }) =>
      gets.flatMap(({ firstId, keys }) =>
        keys.map((key, index): [number, string] => [firstId + index, key])
      )
    );
  }

  send(write: (writer: Writer) => void): void {
    this.sendBytes(channelMessage(write));
  }

  sendBytes(bytes: Bytes): void {
    this.#controller.enqueue(bytes);
  }

  pong(): void {
    const ping = this.requests.at(-1)?.ping;
    if (ping !== undefined) this.send((writer) => writePong(writer, ping));
  }

  value(id: number, text: string): void {
    const value = { value: utf8(text), ttlMs: undefined, minuteQps: 0 };
    this.send((writer) => writeValue(writer, id, value));
  }

  break(): void {
    this.#controller.error(new TypeError("connection reset"));
  }

  end(): void {
    this.#controller.close();
  }

  async #read(
    body: ReadableStream<Bytes>,
    onRequest: (channel: ServedChannel) => void,
  ): Promise<void> {
    const frames = new FrameDecoder({
      maxBytes: MAX_CHANNEL_REQUEST_BYTES,
      onTooLarge: () => this.break(),
    });
    for await (const chunk of body) {
      for (const message of frames.push(chunk)) {
        this.requests.push(decodeChannelRequest(message));
        onRequest(this);
      }
    }
    this.isBodyClosed = true;
  }
}

/** A peer that serves channels. A request for a key is answered with the key. */
class ChannelSetup {
  readonly channels: ServedChannel[] = [];
  readonly setup: Setup;
  /** What the server does with each message of a channel. */
  onRequest = (channel: ServedChannel): void => channel.pong();
  /** What a channel is opened with. */
  open = (channel: ServedChannel): Response =>
    new Response(channel.reply, {
      headers: { "content-type": "application/x-groupcache-channel", "groupcache-version": "1" },
    });

  constructor(options: Partial<HttpPeerOptions> = {}) {
    this.setup = new Setup((request) => this.#reply(request), options);
  }

  get channel(): ServedChannel {
    const channel = this.channels.at(-1);
    if (channel === undefined) throw new Error("No channel was opened");
    return channel;
  }

  /** How many requests were sent for keys. */
  get requests(): number {
    return this.setup.sent.filter(({ url }) => url.includes("/group/")).length;
  }

  advance(ms = 0): Promise<void> {
    return this.setup.clock.advance(ms);
  }

  /** Learns that the peer serves channels, and opens one. */
  async connect(): Promise<this> {
    await this.setup.peer.hello(HELLO);
    for (const key of ["first", "second"]) await this.setup.get(key);
    await this.advance();
    return this;
  }

  #reply({ url, method, body }: Sent): Response {
    if (url.endsWith("/_channel/")) {
      const stream = body as unknown as ReadableStream<Bytes>;
      const channel = new ServedChannel(stream, (channel) => this.onRequest(channel));
      this.channels.push(channel);
      return this.open(channel);
    }
    if (method === "POST" && url.endsWith("/_groupcache/")) {
      const headers = { "groupcache-version": "1", "groupcache-channel": "1" };
      return new Response(encodeHello(HELLO), { headers });
    }
    if (method === "POST") {
      const { keys } = decodeGetKeysRequest(body);
      const values = keys.map((key, index) => ({ index, value: utf8(key) }));
      return new Response(encodeGetResponses(values), { headers: OURS });
    }
    return valueReply(url.slice(url.lastIndexOf("/") + 1), {}, OURS);
  }
}

test("A channel's value counts the time since it was asked for as part of what it has left", async () => {
  const peer = await new ChannelSetup().connect();
  const asked = peer.setup.get("key");
  await peer.advance();
  const [id] = peer.channel.keys.at(-1) ?? [0];
  const sentAtMs = peer.setup.clock.now();
  await peer.advance(1000);
  const value = { value: utf8("hello"), ttlMs: 5000, minuteQps: 0 };
  peer.channel.send((writer) => writeValue(writer, id, value));
  assertEquals((await asked).expiresAtMs, sentAtMs + 5000);
});

test("HttpPeer opens no channel to a peer that has not offered one", async () => {
  const { setup, channels } = new ChannelSetup();
  for (let i = 0; i < 10; i++) await setup.get(`key ${i}`);
  assertEquals(channels, []);
});

test("HttpPeer opens no channel for infrequent calls", async () => {
  const { setup, channels } = new ChannelSetup();
  await setup.peer.hello(HELLO);
  for (let i = 0; i < 5; i++) {
    await setup.get(`key ${i}`);
    await setup.clock.advance(1001);
  }
  assertEquals(channels, []);
});

test("HttpPeer opens no more channels than it may", async () => {
  const channelSlots = new RequestSemaphore(1);
  const first = await new ChannelSetup({ channelSlots }).connect();
  const second = await new ChannelSetup({ channelSlots }).connect();
  assertEquals([first.channels.length, second.channels.length], [1, 0]);
  assertEquals((await second.setup.get("key")).view.text(), "key");
});

test("HttpPeer.get() travels over a channel that is open, many in one message", async () => {
  const channels = await new ChannelSetup().connect();
  const { setup, channel, requests } = channels;
  const calls = ["a", "b", "c"].map((key) => setup.get(key));
  await channels.advance();
  assertEquals(channel.keys.map(([, key]) => key), ["a", "b", "c"]);
  assertEquals(channel.requests.at(-1)?.gets[0]?.keys.length, 3);
  for (const [id, key] of channel.keys.toReversed()) channel.value(id, `value of ${key}`);
  const values = await Promise.all(calls);
  assertEquals(values.map(({ view }) => view.text()), ["value of a", "value of b", "value of c"]);
  assertEquals(channels.requests, requests, "no other request");
});

test("HttpPeer.get() over a channel peeks, and passes on how long a load may take", async () => {
  const channels = await new ChannelSetup().connect();
  const { setup, channel } = channels;
  const calls = [
    setup.get("a", { loadTimeoutMs: 1234.5 }),
    setup.get("b", { peek: true }),
  ];
  await channels.advance();
  const gets = channel.requests.flatMap(({ gets }) => gets);
  assertEquals(gets.map(({ group, peek, timeoutMs, keys }) => [group, peek, timeoutMs, ...keys]), [
    ["group", false, 1235, "a"],
    ["group", true, Infinity, "b"],
  ]);
  for (const [id] of channel.keys) channel.value(id, "value");
  await Promise.all(calls);
});

const CODES: [sent: string, code: string][] = [
  ["not-found", "not-found"],
  ["load-failed", "load-failed"],
  ["too-large", "too-large"],
  ["closed", "peer-failed"],
  ["teapot", "peer-failed"],
];

for (const [sent, code] of CODES) {
  test(`HttpPeer.get() takes ${sent} on a channel for ${code}`, async () => {
    const channels = await new ChannelSetup().connect();
    const call = codeOf(channels.setup.get("key"));
    await channels.advance();
    const [[id] = [0]] = channels.channel.keys;
    channels.channel.send((writer) => {
      return writeError(writer, id, { code: sent, message: "the reason" });
    });
    assertEquals(await call, code);
  });
}

test("HttpPeer leaves two messages of a channel unanswered, and gathers the rest", async () => {
  const channels = await new ChannelSetup().connect();
  const { setup, channel } = channels;
  channels.onRequest = () => {};
  const calls: Promise<unknown>[] = [];
  for (let i = 0; i < 5; i++) {
    calls.push(setup.get(`key ${i}`));
    await channels.advance();
  }
  const sizes = () => channel.requests.flatMap(({ gets }) => gets.map(({ keys }) => keys.length));
  assertEquals(sizes(), [1, 1]);
  channel.pong();
  await channels.advance();
  assertEquals(sizes(), [1, 1, 3]);
  for (const [id] of channel.keys) channel.value(id, "value");
  await Promise.all(calls);
});

test("HttpPeer sends no message of a channel that a server refuses, however long its keys are", async () => {
  const limits = checkLimits({ maxKeyBytes: 8 << 20 });
  const channels = await new ChannelSetup({ limits }).connect();
  const { setup, channel, requests } = channels;
  const keys = Array.from({ length: 100 }, (_, index) => `${index}`.padEnd(21_000, "€"));
  const calls = keys.map((key) => setup.get(key));
  await channels.advance();
  const arrived = channel.keys.map(([, key]) => key);
  assert(arrived.length === 100 && arrived.every((key, index) => key === keys[index]));
  for (const [id] of channel.keys) channel.value(id, "value");
  await Promise.all(calls);
  assertEquals(channels.requests, requests, "no other request");
});

test("HttpPeer cancels the key of a caller who leaves, and ignores its answer", async () => {
  const channels = await new ChannelSetup().connect();
  const { setup, channel } = channels;
  const caller = new AbortController();
  const left = setup.get("a", { signal: caller.signal }).catch(({ name }) => name);
  const stays = setup.get("b");
  await channels.advance();
  caller.abort();
  assertEquals(await left, "AbortError");
  await channels.advance();
  const [[first, second] = []] = [channel.keys.map(([id]) => id)];
  assertEquals(channel.requests.flatMap(({ cancels }) => cancels), [first]);
  channel.value(first as number, "late");
  channel.value(first as number, "twice");
  channel.value(999, "never asked for");
  channel.value(second as number, "value");
  assertEquals((await stays).view.text(), "value");
});

test("HttpPeer requests a value that is too large for a channel", async () => {
  const channels = await new ChannelSetup().connect();
  const { setup, channel, requests } = channels;
  const call = setup.get("large");
  await channels.advance();
  const [[id] = [0]] = channel.keys;
  channel.send((writer) => writeLarge(writer, id));
  assertEquals((await call).view.text(), "large");
  assertEquals(channels.requests, requests + 1);
  assertEquals(setup.sent.at(-1)?.method, "GET");
});

test("HttpPeer puts together a value that comes in parts, unless it is too large", async () => {
  const limits = checkLimits({ maxValueBytes: 10 });
  const channels = await new ChannelSetup({ limits }).connect();
  const { setup, channel } = channels;
  const [fits, large] = [setup.get("fits"), codeOf(setup.get("large"))];
  await channels.advance();
  const [[first] = [0], [second] = [0]] = channel.keys;
  for (const part of ["1234", "5678"]) {
    channel.send((writer) => writePart(writer, first, utf8(part)));
    channel.send((writer) => writePart(writer, second, utf8(part)));
  }
  channel.value(first, "90");
  channel.send((writer) => writePart(writer, second, utf8("90x")));
  assertEquals((await fits).view.text(), "1234567890");
  assertEquals(await large, "too-large");
});

const BREAKS: { name: string; break: (channel: ServedChannel) => void }[] = [
  { name: "breaks", break: (channel) => channel.break() },
  { name: "ends", break: (channel) => channel.end() },
  { name: "brings noise", break: (channel) => channel.sendBytes(Uint8Array.of(3, 255, 255, 255)) },
  {
    name: "announces too much",
    break: (channel) => channel.sendBytes(new Uint8Array([255, 255, 255, 127, ...Array(99)])),
  },
  {
    name: "answers a ping that was not sent",
    break: (channel) => channel.send((w) => writePong(w, 99)),
  },
];

for (const { name, break: breakIt } of BREAKS) {
  test(`HttpPeer repeats, as requests, what a channel that ${name} left unanswered`, async () => {
    const channels = await new ChannelSetup().connect();
    const { setup, channel } = channels;
    const answered = setup.get("answered");
    const calls = ["a", "b"].map((key) => setup.get(key));
    await channels.advance();
    const [[id] = [0]] = channel.keys;
    channel.value(id, "by channel");
    await channels.advance();
    const { requests } = channels;
    breakIt(channel);
    await channels.advance();
    assertEquals((await answered).view.text(), "by channel");
    assertEquals(channels.requests, requests + 1, "both in one request");
    await Promise.allSettled(calls);
    assertEquals(setup.peer.health.isOpen, false);
    // Another one is opened, though not at once.
    for (const key of ["c", "d"]) await setup.get(key);
    assertEquals(channels.channels.length, 1);
    await channels.advance(1000);
    await setup.get("e");
    await channels.advance();
    assertEquals(channels.channels.length, 2);
  });
}

test("HttpPeer gives a peer up that is silent on a channel while it owes answers", async () => {
  const channels = await new ChannelSetup().connect();
  const { setup } = channels;
  await channels.advance(3500);
  const call = codeOf(setup.get("key"));
  const startMs = setup.clock.now();
  assertEquals(await setup.clock.until(call), "peer-failed");
  assert(setup.clock.now() - startMs <= 3000, `${setup.clock.now() - startMs}`);
  assert(setup.peer.health.isOpen);
});

test("HttpPeer waits for hours for a load on a channel that shows life", async () => {
  const channels = await new ChannelSetup().connect();
  const { setup, channel } = channels;
  const call = setup.get("key");
  await channels.advance();
  for (let i = 0; i < 40; i++) {
    channel.send(() => {});
    await channels.advance(900);
  }
  const [[id] = [0]] = channel.keys;
  channel.value(id, "at last");
  assertEquals((await call).view.text(), "at last");
});

for (const peek of [false, true]) {
  const allowedMs = (peek ? 0 : 30_000) + 10_000;
  test(`HttpPeer waits no longer than ${allowedMs} ms on a channel that only shows life`, async () => {
    const channels = await new ChannelSetup().connect();
    const { setup, channel } = channels;
    const startMs = setup.clock.now();
    let endMs = 0;
    const call = codeOf(setup.get("key", { loadTimeoutMs: 30_000, peek }));
    call.then(() => endMs = setup.clock.now());
    for (let i = 0; i < 100; i++) {
      channel.send(() => {});
      await channels.advance(900);
    }
    assertEquals(await call, "peer-failed");
    const ms = endMs - startMs;
    assert(ms > allowedMs && ms <= allowedMs + 3000, `${ms}`);
    assertEquals(
      channel.requests.flatMap(({ cancels }) => cancels),
      channel.keys.map(([id]) => id),
    );
    channel.value(channel.keys[0]?.[0] as number, "too late");
    await channels.advance();
    assertEquals(setup.clock.pendingTimers, 1);
  });
}

test("HttpPeer leaves a channel that shows life, but whose pings are not answered", async () => {
  const channels = await new ChannelSetup().connect();
  const { setup, channel } = channels;
  channels.onRequest = () => {};
  const calls: Promise<unknown>[] = [];
  // The third is not even sent.
  for (const key of ["a", "b", "c"]) {
    calls.push(setup.get(key, { loadTimeoutMs: 30_000 }));
    await channels.advance();
  }
  assertEquals(channel.keys.length, 2);
  const { requests } = channels;
  for (let i = 0; i < 15; i++) {
    channel.send(() => {});
    await channels.advance(900);
  }
  assertEquals((await Promise.all(calls)).length, 3);
  assertEquals(channels.requests, requests + 1, "all in one request");
});

test("HttpPeer opens a channel at once that a peer with a new challenge had refused", async () => {
  let isNew = true;
  const sign = () => ({ header: isNew ? "old" : "new", challenge: "", replyProof: "" });
  const credentials = {
    forRead: sign,
    forChange: () => Promise.resolve(sign()),
    judge: ({ header }: { header: string }) => {
      if (!isOpening || header === "new") return "proved";
      isNew = false;
      return "challenged";
    },
  };
  let isOpening = false;
  const auth = { isRequired: true, credentialsFor: () => credentials } as unknown as Auth;
  const channels = new ChannelSetup({ auth });
  channels.open = (channel) => {
    isOpening = true;
    if (isNew) return new Response("", { status: 401 });
    const headers = { "content-type": "application/x-groupcache-channel" };
    return new Response(channel.reply, { headers });
  };
  await channels.connect();
  assertEquals(channels.channels.length, 2);
  const call = channels.setup.get("key");
  await channels.advance();
  channels.channel.value(channels.channel.keys[0]?.[0] as number, "by channel");
  assertEquals((await call).view.text(), "by channel");
});

test("HttpPeer trusts no channel whose echoes are late, and tries again less and less often", async () => {
  const channels = new ChannelSetup();
  const { setup } = channels;
  channels.onRequest = (channel) => void setup.clock.setTimeout(() => channel.pong(), 420);
  await setup.peer.hello(HELLO);
  for (let second = 0; second < 60; second++) {
    for (let i = 0; i < 2; i++) assertEquals((await setup.get("key")).view.text(), "key");
    await channels.advance(1000);
  }
  assertEquals(channels.channels.map(({ keys }) => keys.length), [0, 0, 0, 0]);
});

for (const status of [404, 405, 413, 200]) {
  test(`HttpPeer continues with requests if opening a channel gets status ${status}`, async () => {
    const channels = new ChannelSetup();
    channels.open = () => new Response("<html>", { status });
    await channels.connect();
    for (let i = 0; i < 9; i++) await channels.setup.get(`key ${i}`);
    assertEquals(channels.channels.length, 1);
    assertEquals(channels.setup.peer.health.isOpen, false);
  });
}

test("HttpPeer leaves a channel when told to, once it is answered", async () => {
  const channels = await new ChannelSetup().connect();
  const { setup, channel, requests } = channels;
  const slow = setup.get("slow");
  await channels.advance();
  channel.send(writeGoaway);
  await channels.advance();
  assertEquals((await setup.get("next")).view.text(), "next");
  assertEquals(channels.requests, requests + 1);
  assertEquals(channel.isBodyClosed, false);
  const [[id] = [0]] = channel.keys;
  channel.value(id, "at last");
  assertEquals((await slow).view.text(), "at last");
  await channels.advance();
  assert(channel.isBodyClosed);
});

test("HttpPeer closes a channel that is not used for 4 seconds, and leaves no timer", async () => {
  const channels = await new ChannelSetup().connect();
  const { setup, channel } = channels;
  await channels.advance(5000);
  assert(channel.isBodyClosed);
  channel.end();
  await channels.advance();
  assertEquals(setup.clock.pendingTimers, 0);
  await channels.connect();
  assertEquals(channels.channels.length, 2, "at once: nothing had failed");
});

test("HttpPeer replaces a channel after half a minute, while calls go on", async () => {
  const channels = await new ChannelSetup().connect();
  const { setup } = channels;
  channels.onRequest = (channel) => {
    for (const { firstId } of channel.requests.at(-1)?.gets ?? []) channel.value(firstId, "value");
    channel.pong();
  };
  for (let second = 0; second < 40; second++) {
    for (let i = 0; i < 2; i++) assertEquals((await setup.get("key")).view.text(), "value");
    await channels.advance(1000);
  }
  assertEquals(channels.channels.map(({ isBodyClosed }) => isBodyClosed), [true, false]);
});

test("HttpPeer closes its channel when the cache is closed", async () => {
  const closing = new AbortController();
  const channels = await new ChannelSetup({ closing: closing.signal }).connect();
  closing.abort();
  await channels.advance();
  assert(channels.channel.isBodyClosed);
});
