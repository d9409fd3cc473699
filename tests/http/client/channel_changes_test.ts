import { assert, assertEquals, assertRejects } from "@std/assert";
import { MAX_CHANNEL_REQUEST_BYTES } from "../../../lib/http/peer_limits.ts";
import type { PeerCallOptions } from "../../../lib/peer/peer.ts";
import { ByteView } from "../../../lib/byte_view.ts";
import { GroupCacheError } from "../../../lib/errors.ts";
import {
  writeError,
  writeLarge,
  writeMark,
  writeOutcome,
  writePong,
  writeTakesChanges,
} from "../../../lib/wire/channel_reply.ts";
import { type ChannelRequest, decodeChannelRequest } from "../../../lib/wire/channel_request.ts";
import type { ChangeMessage } from "../../../lib/wire/channel_changes.ts";
import { type ChangeNote, decodeChangeNote } from "../../../lib/wire/change_note.ts";
import { FrameDecoder } from "../../../lib/wire/frames.ts";
import { encodeHello } from "../../../lib/wire/hello.ts";
import type { Writer } from "../../../lib/wire/writer.ts";
import { test } from "../../runtime.ts";
import { channelMessage } from "../../wire/channel_message.ts";
import { type Bytes, HELLO, type Sent, Setup, VALUE, valueReply } from "./setup.ts";

const NOTE: ChangeNote = {
  stamp: { time: 7, origin: "me" },
  list: "list",
  settledTime: 6,
  mark: "giver.5",
};
const CHANGE = { change: NOTE };

/** A peer with a channel. Requests are answered at once; of what comes on the channel a test decides. */
class Peer {
  readonly setup: Setup;
  readonly messages: ChannelRequest[] = [];
  /** The largest message, in bytes. */
  largest = 0;
  #reply!: ReadableStreamDefaultController<Bytes>;

  private constructor(takesChanges: boolean) {
    this.setup = new Setup((request) => this.#answer(request, takesChanges));
  }

  static async connect({ takesChanges = true } = {}): Promise<Peer> {
    const peer = new Peer(takesChanges);
    await peer.setup.peer.hello(HELLO);
    for (const key of ["first", "second"]) await peer.setup.peer.remove("group", key, CHANGE);
    await peer.setup.clock.advance(0);
    peer.setup.sent.length = 0;
    return peer;
  }

  get changes(): ChangeMessage[] {
    return this.messages.flatMap(({ changes }) => changes);
  }

  /** The requests that were sent for changes. */
  get requests(): string[] {
    return this.setup.sent.map(({ method, url }) => `${method} ${url.split("/group/")[1]}`);
  }

  /** Begins a call, and lets its message arrive. */
  async begin<T>(call: (peer: Setup["peer"]) => Promise<T>): Promise<{ call: Promise<T> }> {
    const begun = call(this.setup.peer);
    begun.catch(() => {});
    await this.setup.clock.advance(0);
    return { call: begun };
  }

  async send(write: (writer: Writer) => void): Promise<void> {
    this.#reply.enqueue(channelMessage(write));
    await this.setup.clock.advance(0);
  }

  async breakChannel(): Promise<void> {
    this.#reply.error(new TypeError("connection reset"));
    await this.setup.clock.advance(0);
  }

  #answer({ url, method, body }: Sent, takesChanges: boolean): Response {
    const headers = { "groupcache-version": "1" };
    if (url.endsWith("/_channel/")) {
      const reply = new ReadableStream<Bytes>({ start: (given) => void (this.#reply = given) });
      this.#reply.enqueue(channelMessage((writer) => {
        if (takesChanges) writeTakesChanges(writer);
      }));
      this.#read(body as unknown as ReadableStream<Bytes>);
      const type = { "content-type": "application/x-groupcache-channel" };
      return new Response(reply, { headers: { ...headers, ...type } });
    }
    if (method === "GET") return valueReply("loaded");
    if (url.endsWith("/_groupcache/")) {
      return new Response(encodeHello(HELLO), {
        headers: { ...headers, "groupcache-channel": "1" },
      });
    }
    return new Response("", { headers });
  }

  async #read(body: ReadableStream<Bytes>): Promise<void> {
    const frames = new FrameDecoder();
    for await (const chunk of body) {
      for (const bytes of frames.push(chunk)) {
        this.largest = Math.max(this.largest, bytes.byteLength);
        const message = decodeChannelRequest(bytes);
        this.messages.push(message);
        const { ping, changes } = message;
        if (ping !== undefined && changes.length === 0) {
          this.#reply.enqueue(channelMessage((writer) => writePong(writer, ping)));
        }
      }
    }
  }
}

const set = (peer: Setup["peer"], options: PeerCallOptions = CHANGE) =>
  peer.set("group", "key", VALUE, options);

test("HttpPeer sends changes over a channel that takes them, many in one message", async () => {
  const peer = await Peer.connect();
  const { call } = await peer.begin((to) =>
    Promise.all([
      to.set("group", "a/b", VALUE, CHANGE),
      to.remove("group", ".", CHANGE),
      to.remove("other", "key", { change: { ...NOTE, knownBy: "http://b:1" } }),
    ])
  );
  assertEquals(peer.messages.at(-1)?.changes.length, 3);
  const [first, ...removals] = peer.changes;
  assertEquals([first?.group, first?.key, first?.ttlMs], ["group", "a/b", 5000]);
  assertEquals(first?.value, new TextEncoder().encode("hello"));
  assertEquals(decodeChangeNote(first?.note ?? ""), { ...NOTE, knownBy: undefined });
  assertEquals(removals.map(({ group, key, value }) => [group, key, value]), [
    ["group", ".", undefined],
    ["other", "key", undefined],
  ]);
  assertEquals(decodeChangeNote(removals[1]?.note ?? "").knownBy, "http://b:1");
  await peer.send((writer) => {
    for (const { id } of peer.changes) writeOutcome(writer, id, 0);
    writeMark(writer, "giver.9");
  });
  assertEquals(await call, [0, undefined, undefined]);
  assertEquals(peer.setup.peer.mark, "giver.9");
  assertEquals(peer.requests, []);
});

test("HttpPeer.set() learns from a channel which time the next attempt must come after", async () => {
  const peer = await Peer.connect();
  const { call } = await peer.begin(set);
  await peer.send((writer) => writeOutcome(writer, peer.changes[0]?.id ?? 0, 12));
  assertEquals(await call, 12);
});

const AS_REQUESTS: { name: string; options?: PeerCallOptions; value?: typeof VALUE }[] = [
  { name: "with a trace", options: { ...CHANGE, traceparent: "00-a-b-01" } },
  { name: "without a mark", options: { change: { ...NOTE, mark: undefined } } },
  {
    name: "with a large value",
    value: { view: new ByteView(new Uint8Array(65_537)), expiresAtMs: Infinity },
  },
];

for (const { name, options = CHANGE, value = VALUE } of AS_REQUESTS) {
  test(`HttpPeer sends a change ${name} as a request, channel or not`, async () => {
    const peer = await Peer.connect();
    assertEquals(await peer.setup.peer.set("group", "key", value, options), 0);
    assertEquals([peer.requests, peer.changes], [["PUT key"], []]);
  });
}

test("HttpPeer sends changes as requests to a peer whose channels do not take them", async () => {
  const peer = await Peer.connect({ takesChanges: false });
  await set(peer.setup.peer);
  await peer.setup.peer.remove("group", "key", CHANGE);
  assertEquals([peer.requests, peer.changes], [["PUT key", "DELETE key"], []]);
});

const FALLBACKS: { name: string; answer: (peer: Peer, id: number) => Promise<void> }[] = [
  { name: "is answered so", answer: (peer, id) => peer.send((w) => writeLarge(w, id)) },
  {
    name: "is answered with an error",
    answer: (peer, id) => peer.send((w) => writeError(w, id, { code: "closed", message: "" })),
  },
  {
    name: "is answered with an impossible time",
    answer: (peer, id) => peer.send((w) => writeOutcome(w, id, 2 ** 50)),
  },
  { name: "is cut off from its answer", answer: (peer) => peer.breakChannel() },
];

for (const { name, answer } of FALLBACKS) {
  test(`HttpPeer sends a change again, as a request, that ${name} on a channel`, async () => {
    const peer = await Peer.connect();
    const { call } = await peer.begin((to) =>
      Promise.all([set(to), to.remove("group", "other", CHANGE)])
    );
    for (const { id } of peer.changes) await answer(peer, id);
    assertEquals(await call, [0, undefined]);
    assertEquals(peer.requests.toSorted(), ["DELETE other", "PUT key"]);
  });
}

test("HttpPeer sends no message of changes that a server refuses, however large they are", async () => {
  const peer = await Peer.connect();
  const value = { view: new ByteView(new Uint8Array(60_000)), expiresAtMs: Infinity };
  const { call } = await peer.begin((to) =>
    Promise.all(
      Array.from({ length: 20 }, (_, i) => to.set("group", `${i}`, value, CHANGE)),
    )
  );
  let pongs = 0;
  for (let turn = 0; turn < 20; turn++) {
    const last = peer.messages.findLast(({ ping }) => ping !== undefined)?.ping ?? 0;
    await peer.send((writer) => {
      for (const { id } of peer.changes) writeOutcome(writer, id, 0);
      if (last > pongs) writePong(writer, pongs = last);
    });
  }
  await call;
  assertEquals(peer.changes.map(({ key }) => Number(key)), Array.from({ length: 20 }, (_, i) => i));
  assert(peer.largest <= MAX_CHANNEL_REQUEST_BYTES, `${peer.largest} bytes`);
  assertEquals(peer.requests, []);
});

test("HttpPeer sends no message of changes that a server refuses, however many they are", async () => {
  const peer = await Peer.connect();
  const change = { ...NOTE, knownBy: `http://${"b".repeat(1000)}:1` };
  const { call } = await peer.begin((to) =>
    Promise.all(Array.from({ length: 2000 }, (_, i) => to.remove("group", `${i}`, { change })))
  );
  let pongs = 0;
  for (let turn = 0; turn < 40 && peer.changes.length < 2000; turn++) {
    const last = peer.messages.findLast(({ ping }) => ping !== undefined)?.ping ?? 0;
    await peer.send((writer) => {
      if (last > pongs) writePong(writer, pongs = last);
    });
  }
  await peer.send((writer) => {
    for (const { id } of peer.changes) writeOutcome(writer, id, 0);
  });
  await call;
  assert(peer.largest <= MAX_CHANNEL_REQUEST_BYTES, `${peer.largest} bytes`);
  assertEquals([peer.changes.length, peer.requests], [2000, []]);
});

test("HttpPeer lets a caller leave whose change is on a channel", async () => {
  const peer = await Peer.connect();
  const caller = new AbortController();
  const { call } = await peer.begin((to) => set(to, { ...CHANGE, signal: caller.signal }));
  caller.abort(new Error("the caller left"));
  await assertRejects(() => call, Error, "the caller left");
  await peer.send((writer) => writeOutcome(writer, peer.changes[0]?.id ?? 0, 0));
  assertEquals(peer.requests, []);
});

test("HttpPeer rejects a change on a channel of a peer that is silent", async () => {
  const peer = await Peer.connect();
  const { call } = await peer.begin(set);
  const error = await assertRejects(
    () => peer.setup.clock.until(call),
    GroupCacheError,
  );
  assertEquals(error.code, "peer-failed");
  assertEquals(peer.requests, []);
  assert(peer.setup.peer.health.isOpen);
});
