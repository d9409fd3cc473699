import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { borrowBytes, ByteView, viewOf } from "../../../lib/byte_view.ts";
import { GroupCacheError, type GroupCacheErrorCode } from "../../../lib/errors.ts";
import { PeerHandler } from "../../../lib/http/server/handler.ts";
import type { BorrowedValue, EncodedValue, Peer, PeerBackend } from "../../../lib/peer/peer.ts";
import { decodeHello, encodeHello, type Hello } from "../../../lib/wire/hello.ts";
import { VirtualClock } from "../../../lib/testing/virtual_clock.ts";
import { concat, FrameDecoder } from "../../../lib/wire/frames.ts";
import {
  decodeGetResponse,
  encodeGetKeysRequest,
  encodeSetRequest,
  type GetResponse,
} from "../../../lib/wire/messages.ts";
import { utf8 } from "../../../lib/wire/writer.ts";
import { test } from "../../runtime.ts";
import { Endless } from "../endless.ts";

const BASE = "/_groupcache/";
const NOW_MS = 1_700_000_000_000;
/** How often per minute the fake group says that a key is asked for. */
const RATE = 12.5;
const MAX_VALUE_BYTES = 1000;

function valueOf(text: string, expiresAtMs = Infinity): EncodedValue {
  return { view: new ByteView(text), expiresAtMs };
}

interface FakeLoad {
  key: string;
  signal: AbortSignal;
  resolve: (value: EncodedValue) => void;
  reject: (error: unknown) => void;
}

/** A group whose loads the test settles. As the real one it rejects when the signal aborts. */
class FakeGroup implements PeerBackend {
  readonly values = new Map<string, EncodedValue>();
  readonly loads: FakeLoad[] = [];
  readonly counted: string[] = [];
  readonly dropped: string[] = [];
  readonly taken: string[] = [];
  readonly handoffs = Promise.withResolvers<void>();
  onLoad = (): void => {};

  count(key: string): number {
    this.counted.push(key);
    return RATE;
  }
  find(key: string): BorrowedValue | undefined {
    const { view, expiresAtMs = Infinity } = this.values.get(key) ?? {};
    return view && { value: borrowBytes(view), expiresAtMs };
  }
  load(key: string, signal: AbortSignal): Promise<EncodedValue> {
    this.onLoad();
    const { promise, resolve, reject } = Promise.withResolvers<EncodedValue>();
    signal.addEventListener("abort", () => reject(signal.reason));
    this.loads.push({ key, signal, resolve, reject });
    return promise;
  }
  put(key: string, value: EncodedValue): void {
    this.values.set(key, value);
  }
  drop(key: string): void {
    this.dropped.push(key);
  }
  async acceptHandoff(keys: readonly string[], from: Peer): Promise<void> {
    for (const key of keys) this.taken.push(`${key} of ${from.url}`);
    await this.handoffs.promise;
  }
}

interface RequestOptions {
  method?: string;
  headers?: Record<string, string>;
  body?: Uint8Array<ArrayBuffer> | string | ReadableStream<Uint8Array<ArrayBuffer>>;
  duplex?: "half";
}

/** Says that a request comes from a process of our kind. */
const OURS = { "groupcache-from": "someone" };

const HELLO: Hello = {
  instance: "1",
  self: "http://peer:8080",
  peers: ["http://peer:8080"],
  placement: "rendezvous",
  isLeaving: false,
  hadGivenUp: false,
};

class Setup {
  readonly clock = new VirtualClock(NOW_MS);
  readonly group = new FakeGroup();
  readonly handler: PeerHandler;

  constructor({ plusIsSpace = false } = {}) {
    this.handler = new PeerHandler({
      clock: this.clock,
      basePath: BASE,
      plusIsSpace,
      maxValueBytes: MAX_VALUE_BYTES,
      peer: (url) => url === "http://giver:1" ? { url } as Peer : undefined,
      greet: (hello) => ({ ...HELLO, peers: [...HELLO.peers, hello.self] }),
      group: (name) => {
        if (name === "closed") throw new GroupCacheError("closed", "Cannot use the cache");
        return name === "group" ? this.group : undefined;
      },
    });
  }

  async send(path: string, options: RequestOptions = {}, info?: unknown): Promise<Response> {
    const request = new Request(`http://peer:8080${path}`, options);
    const response = await this.handler.handle(request, info);
    if (response === undefined) throw new Error(`${path} was taken for no request of a peer`);
    return response;
  }

  /** Sends a request whose load does not settle by itself. */
  async ask(path: string, options: RequestOptions, info?: unknown): Promise<AskedReply> {
    const reply = new AskedReply(this.send(path, options, info));
    await this.clock.advance(0);
    return reply;
  }

  load(index = 0): FakeLoad {
    const load = this.group.loads[index];
    if (load === undefined) throw new Error("the group was not asked to load");
    return load;
  }
}

/** A reply that may not be there yet. */
class AskedReply {
  response: Response | undefined;
  readonly promise: Promise<Response>;
  constructor(promise: Promise<Response>) {
    this.promise = promise;
    promise.then((response) => this.response = response);
  }
}

async function messageOf(response: Response): Promise<GetResponse> {
  return decodeGetResponse(new Uint8Array(await response.arrayBuffer()));
}

async function framesOf(response: Response): Promise<GetResponse[]> {
  const frames = new FrameDecoder();
  const messages = frames.push(new Uint8Array(await response.arrayBuffer()));
  assertEquals(frames.push(Uint8Array.of(0)).length, 1, "the last message is whole");
  return messages.map(decodeGetResponse);
}

function textOf(message: GetResponse): string | undefined {
  return message.value && new TextDecoder().decode(message.value);
}

function assertHeaders(response: Response): void {
  assertEquals(response.headers.get("content-type"), "application/x-protobuf");
  assertEquals(response.headers.get("groupcache-version"), "1");
  assertEquals(response.headers.get("groupcache-error"), null);
}

function assertFailure(response: Response, status: number, code: GroupCacheErrorCode): void {
  assertEquals(response.status, status);
  assertEquals(response.headers.get("groupcache-error"), code);
  assertEquals(response.headers.get("groupcache-version"), "1");
}

// ----------------------------------------------------------------------------------- which ones

const REQUESTS: { url: string; isOurs: boolean }[] = [
  { url: "http://peer:8080/_groupcache/group/key", isOurs: true },
  { url: "http://peer:8080/_groupcache/", isOurs: true },
  { url: "http://peer:8080/_groupcache", isOurs: false },
  { url: "http://peer:8080/", isOurs: false },
  { url: "http://peer:8080/pages/_groupcache/group/key", isOurs: false },
  { url: "http://peer:8080/?/_groupcache/group/key", isOurs: false },
];

for (const { url, isOurs } of REQUESTS) {
  test(`PeerHandler is ${isOurs ? "" : "not "}for ${url}`, () => {
    assertEquals(new Setup().handler.handle(new Request(url), undefined) !== undefined, isOurs);
  });
}

// ------------------------------------------------------------------------------------------ GET

test("GET gives the value that is in memory, and its end", async () => {
  const { group, clock, send } = bound(new Setup());
  group.values.set("a/b", valueOf("hello", NOW_MS + 5000));
  const response = await send("/_groupcache/group/a%2Fb");
  assertEquals(response.status, 200);
  assertHeaders(response);
  const message = await messageOf(response);
  assertEquals(textOf(message), "hello");
  assertEquals(message.expiresAtMs, NOW_MS + 5000);
  assertEquals(message.minuteQps, RATE);
  assertEquals(group.counted, ["a/b"]);
  assertEquals(group.loads, []);
  assertEquals(clock.pendingTimers, 0);
});

test("GET gives an empty value as one that is there", async () => {
  const { group, send } = bound(new Setup());
  group.values.set("key", valueOf(""));
  const message = await messageOf(await send("/_groupcache/group/key"));
  assertEquals(message.value, new Uint8Array());
});

for (const headers of [{}, OURS]) {
  const who = headers === OURS ? "a process of our kind" : "a Go process";
  test(`GET of ${who} gives what is loaded at once in a plain reply`, async () => {
    const setup = new Setup();
    const reply = await setup.ask("/_groupcache/group/key", { headers });
    assertEquals(setup.load().key, "key");
    setup.load().resolve(valueOf("hello"));
    const response = await reply.promise;
    assertHeaders(response);
    assertEquals(await messageOf(response), {
      value: new TextEncoder().encode("hello"),
      minuteQps: RATE,
    });
    assertEquals(setup.clock.pendingTimers, 0);
  });
}

/** Every failure that a group may have, by what it becomes on the wire. */
const FAILURES: { error: unknown; status: number; code: GroupCacheErrorCode }[] = [
  { error: new GroupCacheError("not-found", "Cannot load: no"), status: 404, code: "not-found" },
  {
    error: new GroupCacheError("load-failed", "Cannot load: no"),
    status: 503,
    code: "load-failed",
  },
  { error: new GroupCacheError("timeout", "Cannot load: no"), status: 503, code: "timeout" },
  { error: new GroupCacheError("too-large", "Cannot load: no"), status: 413, code: "too-large" },
  { error: new GroupCacheError("closed", "Cannot load: no"), status: 421, code: "closed" },
  {
    error: new GroupCacheError("peer-failed", "Cannot load: no"),
    status: 421,
    code: "peer-failed",
  },
  { error: new Error("Cannot load: no"), status: 503, code: "load-failed" },
  { error: "Cannot load: no", status: 503, code: "load-failed" },
];

for (const { error, status, code } of FAILURES) {
  const what = error instanceof GroupCacheError ? `code ${error.code}` : typeof error;
  for (const headers of [{}, OURS]) {
    test(`GET of ${headers === OURS ? "ours" : "Go"} replies ${status} to a failure (${what})`, async () => {
      const setup = new Setup();
      const reply = await setup.ask("/_groupcache/group/key", { headers });
      setup.load().reject(error);
      const response = await reply.promise;
      assertFailure(response, status, code);
      assertEquals(await response.text(), "Cannot load: no");
      assertEquals(setup.clock.pendingTimers, 0);
    });
  }
}

// ------------------------------------------------------------------------------- bad requests

const LONG = "k".repeat(65_537);

interface BadRequest {
  name: string;
  path: string;
  options?: RequestOptions;
  status: number;
  code: GroupCacheErrorCode;
}

const BAD_REQUESTS: BadRequest[] = [
  { name: "GET of no group", path: "/_groupcache/", status: 400, code: "bad-key" },
  { name: "GET of no key", path: "/_groupcache/group", status: 400, code: "bad-key" },
  { name: "GET of an empty key", path: "/_groupcache/group/", status: 400, code: "bad-key" },
  { name: "GET of a bad escape", path: "/_groupcache/group/%zz", status: 400, code: "bad-key" },
  { name: "GET of no UTF-8", path: "/_groupcache/group/%ff", status: 400, code: "bad-key" },
  { name: "GET of a long key", path: `/_groupcache/group/${LONG}`, status: 400, code: "bad-key" },
  { name: "GET of an unknown group", path: "/_groupcache/x/key", status: 421, code: "peer-failed" },
  { name: "GET of no name", path: "/_groupcache//key", status: 421, code: "peer-failed" },
  { name: "GET of a closed cache", path: "/_groupcache/closed/key", status: 421, code: "closed" },
  {
    name: "DELETE of an empty key",
    path: "/_groupcache/group/",
    options: { method: "DELETE" },
    status: 400,
    code: "bad-key",
  },
  {
    name: "DELETE of an unknown group",
    path: "/_groupcache/x/key",
    options: { method: "DELETE" },
    status: 421,
    code: "peer-failed",
  },
  {
    name: "PUT of noise",
    path: "/_groupcache/group/key",
    options: { method: "PUT", body: Uint8Array.of(255, 254, 253) },
    status: 400,
    code: "bad-key",
  },
  {
    name: "PUT of nothing",
    path: "/_groupcache/group/key",
    options: { method: "PUT" },
    status: 400,
    code: "bad-key",
  },
  {
    name: "PUT of an empty key",
    path: "/_groupcache/group/key",
    options: { method: "PUT", body: setRequest("", "value") },
    status: 400,
    code: "bad-key",
  },
  {
    name: "PUT of a key that is too long",
    path: "/_groupcache/group/key",
    options: { method: "PUT", body: setRequest(LONG, "value") },
    status: 400,
    code: "bad-key",
  },
  {
    name: "POST of noise for keys",
    path: "/_groupcache/group/_get-keys/",
    options: { method: "POST", body: Uint8Array.of(10, 200) },
    status: 400,
    code: "bad-key",
  },
  {
    name: "POST of too many keys",
    path: "/_groupcache/group/_get-keys/",
    options: { method: "POST", body: encodeGetKeysRequest(new Array(10_001).fill("k")) },
    status: 400,
    code: "bad-key",
  },
  {
    name: "POST of too many keys to drop",
    path: "/_groupcache/group/_remove-keys/",
    options: { method: "POST", body: JSON.stringify({ keys: new Array(10_001).fill("k") }) },
    status: 400,
    code: "bad-key",
  },
  {
    name: "POST of too many keys to take over",
    path: "/_groupcache/group/_handoff-keys/",
    options: {
      method: "POST",
      body: JSON.stringify({ from: "http://giver:1", keys: new Array(10_001).fill("k") }),
    },
    status: 400,
    code: "bad-key",
  },
];

for (const { name, path, options, status, code } of BAD_REQUESTS) {
  test(`PeerHandler replies ${status} to a ${name}, and does nothing`, async () => {
    const setup = new Setup();
    const response = await setup.send(path, options);
    assertFailure(response, status, code);
    const why = await response.text();
    assert(why.length > 0 && !why.includes("    at "), why);
    assertEquals(setup.group.loads, []);
    assertEquals(setup.group.dropped, []);
    assertEquals(setup.group.values.size, 0);
    assertEquals(setup.clock.pendingTimers, 0);
  });
}

const BAD_METHODS: { method: string; path: string }[] = [
  { method: "HEAD", path: "/_groupcache/group/key" },
  { method: "OPTIONS", path: "/_groupcache/group/key" },
  { method: "PATCH", path: "/_groupcache/group/key" },
  { method: "POST", path: "/_groupcache/group/key" },
  { method: "POST", path: "/_groupcache/group/_get-keys%2F" },
  { method: "POST", path: "/_groupcache/group/_get-keys" },
];

for (const { method, path } of BAD_METHODS) {
  test(`PeerHandler replies 405 to ${method} ${path}`, async () => {
    const setup = new Setup();
    const response = await setup.send(path, { method });
    assertEquals(response.status, 405);
    assertEquals(response.headers.get("allow"), "GET, PUT, DELETE, POST");
    assertEquals(response.headers.get("groupcache-version"), "1");
    assertEquals(setup.group.loads, []);
  });
}

test("PeerHandler reads a plus as the peers of its ring write it", async () => {
  for (const plusIsSpace of [false, true]) {
    const setup = new Setup({ plusIsSpace });
    await setup.send("/_groupcache/group/a+b%2Bc", { method: "DELETE" });
    assertEquals(setup.group.dropped, [plusIsSpace ? "a b+c" : "a+b+c"]);
  }
});

// ----------------------------------------------------------------------------------- slow loads

test("GET of a slow load shows life after 100 ms, then four times a second, then gives the value", async () => {
  const setup = new Setup();
  const reply = await setup.ask("/_groupcache/group/key", { headers: OURS });
  await setup.clock.advance(99);
  assertEquals(reply.response, undefined);
  await setup.clock.advance(1);
  const response = await reply.promise;
  assertEquals(response.status, 200);
  assertHeaders(response);

  const reader = read(response);
  const chunks: GetResponse[] = [];
  const reading = (async () => {
    for await (const chunk of reader) chunks.push(decodeGetResponse(chunk));
  })();
  await setup.clock.advance(0);
  assertEquals(chunks, [{ pending: true }]);
  await setup.clock.advance(15_000);
  assertEquals(chunks, new Array(61).fill({ pending: true }));
  setup.load().resolve(valueOf("hello", NOW_MS + 90_000));
  await reading;
  assertEquals(chunks.at(-1), {
    value: new TextEncoder().encode("hello"),
    expiresAtMs: NOW_MS + 90_000,
    minuteQps: RATE,
  });
  assertEquals(setup.clock.pendingTimers, 0);
});

test("GET of a slow load is one message for those who read it whole", async () => {
  const setup = new Setup();
  const reply = await setup.ask("/_groupcache/group/key", { headers: OURS });
  await setup.clock.advance(5000);
  setup.load().resolve(valueOf("hello"));
  const message = await messageOf(await reply.promise);
  assert(message.pending);
  assertEquals(textOf(message), "hello");
});

for (const { error, code } of FAILURES) {
  const what = error instanceof GroupCacheError ? `code ${error.code}` : typeof error;
  test(`GET of a slow load that fails (${what}) tells so in the body`, async () => {
    const setup = new Setup();
    const reply = await setup.ask("/_groupcache/group/key", { headers: OURS });
    await setup.clock.advance(100);
    setup.load().reject(error);
    const response = await reply.promise;
    assertEquals(response.status, 200);
    const message = await messageOf(response);
    assertEquals(message, { pending: true, error: code, message: "Cannot load: no" });
    assertEquals(setup.clock.pendingTimers, 0);
  });
}

test("GET of a slow load ends the wait of a reader who goes, and leaves no timer", async () => {
  const setup = new Setup();
  const reply = await setup.ask("/_groupcache/group/key", {
    headers: { ...OURS, "groupcache-timeout-ms": "30000" },
  });
  await setup.clock.advance(100);
  const response = await reply.promise;
  assert(!setup.load().signal.aborted);
  await response.body?.cancel();
  assert(setup.load().signal.aborted);
  await setup.clock.advance(0);
  assertEquals(setup.clock.pendingTimers, 0);
});

test("A reply stays as it is when the next one is made", async () => {
  const setup = new Setup();
  for (const key of ["a", "b"]) setup.group.values.set(key, valueOf(`value of ${key}`));
  const body = encodeGetKeysRequest(["b", "a"]);
  const [one, many, other] = await Promise.all([
    setup.send("/_groupcache/group/a"),
    setup.send("/_groupcache/group/_get-keys/", { method: "POST", body }),
    setup.send("/_groupcache/group/b"),
  ]);
  assertEquals(textOf(await messageOf(one)), "value of a");
  assertEquals((await framesOf(many)).map(textOf), ["value of b", "value of a"]);
  assertEquals(textOf(await messageOf(other)), "value of b");
});

test("GET of a Go process waits for the outcome, which the status tells", async () => {
  const setup = new Setup();
  const reply = await setup.ask("/_groupcache/group/key", {});
  await setup.clock.advance(25_000);
  assertEquals(reply.response, undefined);
  setup.load().reject(new GroupCacheError("not-found", "Cannot load: no"));
  assertFailure(await reply.promise, 404, "not-found");
});

test("GET of a Go process asks Bun not to end it meanwhile", async () => {
  const setup = new Setup();
  const calls: [Request, number][] = [];
  const server = { timeout: (request: Request, seconds: number) => calls.push([request, seconds]) };
  const request = new Request("http://peer:8080/_groupcache/group/key");
  const reply = setup.handler.handle(request, server);
  assertEquals(calls.length, 1);
  assertStrictEquals(calls[0]?.[0], request);
  assertEquals(calls[0]?.[1], 0);
  setup.load().resolve(valueOf("hello"));
  await reply;
});

const INFOS: { name: string; info: unknown }[] = [
  { name: "nothing", info: undefined },
  { name: "null", info: null },
  { name: "what Deno.serve passes", info: { remoteAddr: { transport: "tcp" } } },
  { name: "a timeout that is no function", info: { timeout: 5 } },
  { name: "an environment", info: "production" },
];

for (const { name, info } of INFOS) {
  test(`GET of a Go process is served if the server passes ${name}`, async () => {
    const setup = new Setup();
    const reply = await setup.ask("/_groupcache/group/key", {}, info);
    setup.load().resolve(valueOf("hello"));
    assertEquals((await reply.promise).status, 200);
  });
}

// ------------------------------------------------------------------------------------ deadlines

for (const headers of [{}, OURS]) {
  test(`GET of ${headers === OURS ? "ours" : "Go"} waits no longer than its deadline`, async () => {
    const setup = new Setup();
    const reply = await setup.ask("/_groupcache/group/key", {
      headers: { ...headers, "groupcache-timeout-ms": "80" },
    });
    await setup.clock.advance(79);
    assert(!setup.load().signal.aborted);
    await setup.clock.advance(1);
    const { reason } = setup.load().signal;
    assert(reason instanceof GroupCacheError && reason.code === "timeout");
    assertFailure(await reply.promise, 503, "timeout");
    assertEquals(setup.clock.pendingTimers, 0);
  });
}

test("GET of a slow load tells in the body that the deadline is over", async () => {
  const setup = new Setup();
  const reply = await setup.ask("/_groupcache/group/key", {
    headers: { ...OURS, "groupcache-timeout-ms": "5000" },
  });
  await setup.clock.advance(5000);
  const message = await messageOf(await reply.promise);
  assertEquals(message.error, "timeout");
  assertEquals(setup.clock.pendingTimers, 0);
});

for (const timeout of ["soon", "", "0", "-1", "NaN", "Infinity", "1e999", "5, 5"]) {
  test(`GET with a deadline of ${JSON.stringify(timeout)} has none`, async () => {
    const setup = new Setup();
    const reply = await setup.ask("/_groupcache/group/key", {
      headers: { "groupcache-timeout-ms": timeout },
    });
    await setup.clock.advance(3_600_000);
    assert(!setup.load().signal.aborted);
    setup.load().resolve(valueOf("hello"));
    assertEquals((await reply.promise).status, 200);
  });
}

// ---------------------------------------------------------------------------------- PUT, DELETE

function setRequest(
  key: string,
  value: string,
  expiresAtMs = Infinity,
): Uint8Array<ArrayBuffer> {
  return encodeSetRequest({
    group: "group",
    key,
    value: new TextEncoder().encode(value),
    expiresAtMs,
  });
}

async function assertDone(response: Response): Promise<void> {
  // Go's clients reject 204.
  assertEquals(response.status, 200);
  assertEquals(response.headers.get("groupcache-version"), "1");
  assertEquals(await response.text(), "");
}

test("PUT puts the value under the key of the body, whatever the path says", async () => {
  const { group, send } = bound(new Setup());
  const body = setRequest("..", "hello", NOW_MS + 5000);
  await assertDone(await send("/_groupcache/group/-", { method: "PUT", body }));
  assertEquals([...group.values.keys()], [".."]);
  assertEquals(group.values.get("..")?.view.text(), "hello");
  assertEquals(group.values.get("..")?.expiresAtMs, NOW_MS + 5000);
});

test("PUT without an end puts a value that never ends", async () => {
  const { group, send } = bound(new Setup());
  await send("/_groupcache/group/key", { method: "PUT", body: setRequest("key", "hello") });
  assertEquals(group.values.get("key")?.expiresAtMs, Infinity);
});

test("PUT goes to the group of the path", async () => {
  const { group, send } = bound(new Setup());
  const body = encodeSetRequest({
    group: "other",
    key: "key",
    value: new Uint8Array(),
    expiresAtMs: Infinity,
  });
  await assertDone(await send("/_groupcache/group/key", { method: "PUT", body }));
  assert(group.values.has("key"));
});

test("DELETE drops the key", async () => {
  const { group, send } = bound(new Setup());
  await assertDone(await send("/_groupcache/group/a%2Fb", { method: "DELETE" }));
  assertEquals(group.dropped, ["a/b"]);
});

// ---------------------------------------------------------------------------------- _remove-keys

test("POST _remove-keys drops every key", async () => {
  const { group, send } = bound(new Setup());
  const body = JSON.stringify({ group: "group", keys: [".", "..", "é", LONG.slice(1)] });
  await assertDone(await send("/_groupcache/group/_remove-keys/", { method: "POST", body }));
  assertEquals(group.dropped, [".", "..", "é", LONG.slice(1)]);
});

test("POST _remove-keys of no keys does nothing", async () => {
  const { group, send } = bound(new Setup());
  const body = '{"keys":[]}';
  await assertDone(await send("/_groupcache/group/_remove-keys/", { method: "POST", body }));
  assertEquals(group.dropped, []);
});

const BAD_LISTS = [
  "",
  "keys",
  "null",
  "[]",
  '["a"]',
  "{}",
  '{"keys":"a"}',
  '{"keys":{"0":"a","length":1}}',
  '{"keys":["a",1]}',
  '{"keys":["a",null]}',
  '{"keys":["a",["b"]]}',
  '{"keys":["a",""]}',
  '{"keys":["a","\\ud800"]}',
  JSON.stringify({ keys: ["a", LONG] }),
];

for (const body of BAD_LISTS) {
  test(`POST _remove-keys of ${body.slice(0, 30)} is refused, and drops nothing`, async () => {
    const { group, send } = bound(new Setup());
    const response = await send("/_groupcache/group/_remove-keys/", { method: "POST", body });
    assertFailure(response, 400, "bad-key");
    assertEquals(group.dropped, []);
  });
}

// ------------------------------------------------------------------------------------- _get-keys

function getKeys(setup: Setup, keys: string[], headers = {}): Promise<Response> {
  return setup.send("/_groupcache/group/_get-keys/", {
    method: "POST",
    headers: { ...OURS, ...headers },
    body: encodeGetKeysRequest(keys),
  });
}

test("POST _get-keys gives what is in memory first, and loads as they become ready", async () => {
  const setup = new Setup();
  setup.group.values.set("hit", valueOf("in memory", NOW_MS + 5000));
  setup.group.values.set("too", valueOf("also"));
  const response = await getKeys(setup, ["slow", "hit", "quick", "too"]);
  assertEquals(response.status, 200);
  assertHeaders(response);
  assertEquals(setup.group.loads.map(({ key }) => key), ["slow", "quick"]);
  setup.load(1).resolve(valueOf("loaded"));
  await setup.clock.advance(0);
  setup.load(0).resolve(valueOf("loaded later"));
  const messages = await framesOf(response);
  assertEquals(messages.map((message) => [message.index, textOf(message)]), [
    [1, "in memory"],
    [3, "also"],
    [2, "loaded"],
    [0, "loaded later"],
  ]);
  assertEquals(messages[0]?.expiresAtMs, NOW_MS + 5000);
  assertEquals(messages.map(({ minuteQps }) => minuteQps), [RATE, RATE, RATE, RATE]);
  assertEquals(setup.group.counted, ["slow", "hit", "quick", "too"]);
  assertEquals(setup.clock.pendingTimers, 0);
});

test("POST _get-keys copies what is in memory before a load may change that", async () => {
  const setup = new Setup();
  const bytes = utf8("before");
  setup.group.values.set("a", { view: viewOf(bytes), expiresAtMs: Infinity });
  setup.group.onLoad = () => bytes.fill(0);
  const response = await getKeys(setup, ["missing", "a"]);
  const reader = response.body?.getReader();
  const { value } = await reader?.read() ?? {};
  const [message] = new FrameDecoder().push(value as Uint8Array<ArrayBuffer>);
  assertEquals(decodeGetResponse(message as Uint8Array<ArrayBuffer>).value, utf8("before"));
  await reader?.cancel();
});

test("POST _get-keys is answered at once, with what is in memory or a sign of life", async () => {
  for (const keys of [["hit", "slow"], ["slow"]]) {
    const setup = new Setup();
    setup.group.values.set("hit", valueOf("in memory"));
    const reader = read(await getKeys(setup, keys));
    const { value: chunk } = await reader.next();
    const [message] = new FrameDecoder().push(chunk ?? new Uint8Array()).map(decodeGetResponse);
    if (keys.includes("hit")) assertEquals(message?.index, 0);
    else assertEquals(message, { pending: true });
    await reader.return(undefined);
    assert(setup.load().signal.aborted);
  }
});

test("POST _get-keys of what is all in memory needs no timer", async () => {
  const setup = new Setup();
  setup.group.values.set("a", valueOf("1"));
  const response = await getKeys(setup, ["a", "a", ""]);
  assertEquals(setup.clock.pendingTimers, 0);
  assertEquals((await framesOf(response)).map(({ index, error }) => [index, error]), [
    [0, undefined],
    [1, undefined],
    [2, "bad-key"],
  ]);
});

test("POST _get-keys tells of each key why there is no value", async () => {
  const setup = new Setup();
  const response = await getKeys(setup, ["a", "", "b", LONG, "a"]);
  setup.load(0).reject(new GroupCacheError("not-found", "no a"));
  setup.load(1).reject(new Error("no b"));
  setup.load(2).resolve(valueOf("a after all"));
  const messages = (await framesOf(response))
    .filter(({ pending }) => !pending)
    .sort((a, b) => (a.index ?? 0) - (b.index ?? 0));
  assertEquals(messages.map(({ index, error }) => [index, error]), [
    [0, "not-found"],
    [1, "bad-key"],
    [2, "load-failed"],
    [3, "bad-key"],
    [4, undefined],
  ]);
  assertEquals(messages[2]?.message, "no b");
});

test("POST _get-keys of no keys is an empty reply", async () => {
  const setup = new Setup();
  assertEquals(await framesOf(await getKeys(setup, [])), []);
  assertEquals(setup.clock.pendingTimers, 0);
});

test("POST _get-keys shows life four times a second", async () => {
  const setup = new Setup();
  const response = await getKeys(setup, ["slow"]);
  await setup.clock.advance(625);
  setup.load().resolve(valueOf("hello"));
  assertEquals((await framesOf(response)).map((message) => textOf(message) ?? message), [
    { pending: true },
    { pending: true },
    { pending: true },
    "hello",
  ]);
});

test("POST _get-keys ends all waits of a reader who goes", async () => {
  const setup = new Setup();
  const response = await getKeys(setup, ["a", "b"], { "groupcache-timeout-ms": "30000" });
  await response.body?.cancel();
  assert(setup.load(0).signal.aborted);
  assert(setup.load(1).signal.aborted);
  await setup.clock.advance(0);
  assertEquals(setup.clock.pendingTimers, 0);
});

test("POST _get-keys waits for no key longer than the deadline", async () => {
  const setup = new Setup();
  const response = await getKeys(setup, ["a", "b"], { "groupcache-timeout-ms": "500" });
  setup.load(0).resolve(valueOf("hello"));
  await setup.clock.advance(500);
  const messages = (await framesOf(response)).filter(({ pending }) => !pending);
  assertEquals(messages.map(({ index, error }) => [index, error]), [[0, undefined], [
    1,
    "timeout",
  ]]);
  assertEquals(setup.clock.pendingTimers, 0);
});

/** 5 MB of values, which is more than a reply holds before its reader has taken any. */
function setUpLarge(): { setup: Setup; keys: string[] } {
  const setup = new Setup();
  const keys = Array.from({ length: 5000 }, (_, i) => `key ${i}`);
  for (const key of keys) setup.group.values.set(key, valueOf(key.padEnd(MAX_VALUE_BYTES)));
  return { setup, keys };
}

test("POST _get-keys copies 4 MiB of values ahead of its reader, and then value by value", async () => {
  const { setup, keys } = setUpLarge();
  const reader = read(await getKeys(setup, keys));
  const first = await reader.next();
  assert(first.value !== undefined && first.value.byteLength < 4.2 * 2 ** 20);
  const frames = new FrameDecoder();
  const messages = frames.push(first.value).map(decodeGetResponse);
  assert(messages.length < 4200, `expected fewer than 4,200 values: received ${messages.length}`);
  // What has changed meanwhile is sent as it is now.
  setup.group.values.set("key 4990", valueOf("changed"));
  setup.group.values.set("key 4991", valueOf("x".repeat(MAX_VALUE_BYTES + 1)));
  setup.group.values.delete("key 4992");
  const unread = messages.length;
  for await (const chunk of reader) {
    messages.push(...frames.push(chunk).map(decodeGetResponse));
    setup.group.loads[0]?.resolve(valueOf("loaded"));
  }
  assertEquals(setup.group.loads.map(({ key }) => key), ["key 4992"]);
  const answers = messages.filter(({ pending }) => !pending);
  assertEquals(new Set(answers.map(({ index }) => index)).size, 5000);
  assertEquals(answers.length, 5000);
  const textAt = (index: number) => {
    const message = answers.find((answer) => answer.index === index) as GetResponse;
    return textOf(message)?.trim() ?? message.error;
  };
  assertEquals(textAt(unread), `key ${unread}`);
  assertEquals([4990, 4991, 4992].map(textAt), ["changed", "too-large", "loaded"]);
  assertEquals(setup.clock.pendingTimers, 0);
});

test("POST _get-keys with a peek loads nothing that has gone since it was found", async () => {
  const { setup, keys } = setUpLarge();
  const reader = read(await getKeys(setup, keys, { "groupcache-peek": "1" }));
  const frames = new FrameDecoder();
  const messages: GetResponse[] = [];
  for await (const chunk of reader) {
    setup.group.values.delete("key 4999");
    messages.push(...frames.push(chunk).map(decodeGetResponse));
  }
  assertEquals(messages.find(({ index }) => index === 4999)?.error, "not-found");
  assertEquals(setup.group.loads, []);
});

test("POST _get-keys copies nothing more for a reader who has gone", async () => {
  const { setup, keys } = setUpLarge();
  const response = await getKeys(setup, keys);
  let looks = 0;
  setup.group.find = () => void looks++;
  await response.body?.cancel();
  await setup.clock.advance(0);
  assertEquals(looks, 0);
  assertEquals(setup.clock.pendingTimers, 0);
});

/** A setup whose `send` needs no `this`. */
function bound(setup: Setup): { group: FakeGroup; clock: VirtualClock; send: Setup["send"] } {
  return { group: setup.group, clock: setup.clock, send: setup.send.bind(setup) };
}

async function* read(response: Response): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for await (const chunk of response.body ?? []) yield concat([chunk], chunk.byteLength);
}

// ----------------------------------------------------------------------------------------- hello

test("PeerHandler answers a hello at the base path, whatever the groups say", async () => {
  const reply = await new Setup().send(BASE, {
    method: "POST",
    body: encodeHello({ ...HELLO, self: "http://other:8080" }),
  });
  assertEquals(reply.status, 200);
  assertEquals(reply.headers.get("groupcache-version"), "1");
  assertEquals(decodeHello(await reply.text()).peers, ["http://peer:8080", "http://other:8080"]);
});

for (const body of ["", "hello", "null", "[]", '{"instance":1}', '{"peers":[1]}']) {
  test(`PeerHandler refuses ${body || "nothing"} as a hello`, async () => {
    const reply = await new Setup().send(BASE, { method: "POST", body });
    assertEquals(reply.status, 400);
    assertEquals(reply.headers.get("groupcache-error"), "bad-key");
  });
}

// ----------------------------------------------------------------------------------------- offer

function handoff(setup: Setup, body: unknown): Promise<Response> {
  const json = JSON.stringify(body);
  return setup.send("/_groupcache/group/_handoff-keys/", { method: "POST", body: json });
}

test("POST _handoff-keys has the keys taken over, and ends when that is done", async () => {
  const setup = new Setup();
  const reply = await handoff(setup, { from: "http://giver:1", keys: ["a", "b"] });
  assertEquals(reply.status, 200);
  assertEquals(setup.group.taken, ["a of http://giver:1", "b of http://giver:1"]);
  let hasEnded = false;
  const text = reply.text().then((text) => {
    hasEnded = true;
    return text;
  });
  await setup.clock.advance(600);
  assertEquals(hasEnded, false);
  setup.group.handoffs.resolve();
  assertEquals((await text).trim(), "");
  assertEquals(setup.clock.pendingTimers, 0);
});

test("POST _handoff-keys of somebody who is no peer is refused", async () => {
  const setup = new Setup();
  const reply = await handoff(setup, { from: "http://stranger:1", keys: ["a"] });
  assertEquals(reply.headers.get("groupcache-error"), "peer-failed");
  assertEquals(setup.group.taken, []);
});

for (
  const body of [undefined, null, [], { from: 1, keys: [] }, { from: "x" }, {
    from: "x",
    keys: [1],
  }]
) {
  test(`POST _handoff-keys of ${JSON.stringify(body)} is refused`, async () => {
    const reply = await handoff(new Setup(), body);
    assertEquals([reply.status, reply.headers.get("groupcache-error")], [400, "bad-key"]);
  });
}

// ------------------------------------------------------------------------------------------ peek

const PEEK = { ...OURS, "groupcache-peek": "1" };

test("A peek is answered from memory, or with not-found, and loads nothing", async () => {
  const setup = new Setup();
  setup.group.values.set("held", valueOf("hello"));
  const held = await setup.send("/_groupcache/group/held", { headers: PEEK });
  const message = decodeGetResponse(new Uint8Array(await held.arrayBuffer()));
  assertEquals(textOf(message), "hello");
  const missing = await setup.send("/_groupcache/group/missing", { headers: PEEK });
  assertEquals([missing.status, missing.headers.get("groupcache-error")], [404, "not-found"]);
  assertEquals(setup.group.loads, []);
});

test("A peek at several keys gives those that are in memory, and not-found for the rest", async () => {
  const setup = new Setup();
  setup.group.values.set("held", valueOf("hello"));
  const response = await getKeys(setup, ["missing", "held"], { "groupcache-peek": "1" });
  const frames = await framesOf(response);
  assertEquals(frames.map((frame) => [frame.index, frame.error ?? textOf(frame)]), [
    [0, "not-found"],
    [1, "hello"],
  ]);
  assertEquals(setup.group.loads, []);
});

// ------------------------------------------------------------------------------------ too large

/** A value of so many bytes. */
function valueOfSize(size: number): EncodedValue {
  return { view: new ByteView(new Uint8Array(size)), expiresAtMs: Infinity };
}

const TAKERS: { method: string; path: string; maxBytes: number }[] = [
  { method: "PUT", path: "/_groupcache/group/key", maxBytes: MAX_VALUE_BYTES + 256 * 1024 },
  { method: "POST", path: "/_groupcache/group/_get-keys/", maxBytes: 16 << 20 },
  { method: "POST", path: "/_groupcache/group/_remove-keys/", maxBytes: 16 << 20 },
  { method: "POST", path: "/_groupcache/group/_handoff-keys/", maxBytes: 16 << 20 },
  { method: "POST", path: BASE, maxBytes: 1 << 20 },
];

for (const { method, path, maxBytes } of TAKERS) {
  test(`${method} ${path} refuses a body that announces too much, and takes nothing of it`, async () => {
    const setup = new Setup();
    const body = new Endless();
    const headers = { "content-length": String(maxBytes + 1) };
    const request = { method, headers, body: body.stream, duplex: "half" } as const;
    const response = await setup.send(path, request);
    assertFailure(response, 413, "too-large");
    const why = await response.text();
    assert(why.includes(`may have ${maxBytes} bytes: received ${maxBytes + 1} bytes`), why);
    assertEquals(body.taken, 0);
  });

  test(`${method} ${path} takes no more of a body without a length than there may be`, async () => {
    const setup = new Setup();
    const body = new Endless();
    const response = await setup.send(path, { method, body: body.stream, duplex: "half" });
    assertFailure(response, 413, "too-large");
    const why = await response.text();
    assert(why.includes(`may have ${maxBytes} bytes: received ${body.taken} bytes`), why);
    assert(body.taken > maxBytes && body.taken <= maxBytes + 65_536, `${body.taken}`);
    assert(body.isCancelled);
    assertEquals(setup.group.values.size, 0);
  });

  test(`${method} ${path} takes a body of as many bytes as there may be for what it is`, async () => {
    const response = await new Setup().send(path, { method, body: new Uint8Array(maxBytes) });
    assertFailure(response, 400, "bad-key");
  });
}

test("PUT takes a value of as many bytes as it may have, in pieces too", async () => {
  for (const isWhole of [true, false]) {
    const setup = new Setup();
    const bytes = encodeSetRequest({
      group: "group",
      key: "key",
      value: new Uint8Array(MAX_VALUE_BYTES),
      expiresAtMs: Infinity,
    });
    const pieces = [bytes.slice(0, 7), bytes.slice(7, 600), bytes.slice(600)];
    const body = isWhole ? bytes : new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull(controller): void {
        const piece = pieces.shift();
        if (piece === undefined) controller.close();
        else controller.enqueue(piece);
      },
    });
    const request = { method: "PUT", body, duplex: "half" } as const;
    assertEquals((await setup.send("/_groupcache/group/key", request)).status, 200);
    assertEquals(setup.group.values.get("key")?.view.size, MAX_VALUE_BYTES);
  }
});

test("PUT refuses a value of a byte too many", async () => {
  const setup = new Setup();
  const body = setRequest("key", "x".repeat(MAX_VALUE_BYTES + 1));
  const response = await setup.send("/_groupcache/group/key", { method: "PUT", body });
  assertFailure(response, 413, "too-large");
  assertEquals(
    await response.text(),
    'Cannot take the value of "key": limits.maxValueBytes is 1000: received 1001 bytes',
  );
  assertEquals(setup.group.values.size, 0);
});

test("GET gives a value of as many bytes as it may have, and none of more", async () => {
  const setup = new Setup();
  setup.group.values.set("fits", valueOfSize(MAX_VALUE_BYTES));
  setup.group.values.set("large", valueOfSize(MAX_VALUE_BYTES + 1));
  const fits = await messageOf(await setup.send("/_groupcache/group/fits"));
  assertEquals(fits.value?.byteLength, MAX_VALUE_BYTES);
  const response = await setup.send("/_groupcache/group/large");
  assertFailure(response, 413, "too-large");
  assertEquals(
    await response.text(),
    'Cannot send the value of "large": limits.maxValueBytes is 1000: received 1001 bytes',
  );
});

for (const headers of [{}, OURS]) {
  test(`GET of ${headers === OURS ? "ours" : "Go"} gives no value that is loaded and too large`, async () => {
    const setup = new Setup();
    const reply = await setup.ask("/_groupcache/group/large", { headers });
    setup.load().resolve(valueOfSize(MAX_VALUE_BYTES + 1));
    assertFailure(await reply.promise, 413, "too-large");
    assertEquals(setup.clock.pendingTimers, 0);
  });
}

test("GET of a slow load says in the body that the value is too large", async () => {
  const setup = new Setup();
  const reply = await setup.ask("/_groupcache/group/large", { headers: OURS });
  await setup.clock.advance(100);
  setup.load().resolve(valueOfSize(MAX_VALUE_BYTES + 1));
  const message = await messageOf(await reply.promise);
  assertEquals([message.error, message.value], ["too-large", undefined]);
});

test("POST _get-keys gives all values but those that are too large", async () => {
  const setup = new Setup();
  setup.group.values.set("a", valueOfSize(MAX_VALUE_BYTES));
  setup.group.values.set("b", valueOfSize(MAX_VALUE_BYTES + 1));
  const response = await getKeys(setup, ["a", "b", "c", "d"]);
  setup.load(0).resolve(valueOfSize(MAX_VALUE_BYTES + 1));
  setup.load(1).resolve(valueOfSize(MAX_VALUE_BYTES));
  const messages = (await framesOf(response)).filter(({ pending }) => !pending);
  const outcomes = messages.map(({ index, error, value }) => [index, error ?? value?.byteLength]);
  assertEquals(outcomes.sort(), [
    [0, MAX_VALUE_BYTES],
    [1, "too-large"],
    [2, "too-large"],
    [3, MAX_VALUE_BYTES],
  ]);
});
