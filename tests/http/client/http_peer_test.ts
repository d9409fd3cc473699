import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { ByteView } from "../../../lib/byte_view.ts";
import { GroupCacheError, type GroupCacheErrorCode } from "../../../lib/errors.ts";
import type { Fetch } from "../../../lib/runtime.ts";
import { RequestSemaphore } from "../../../lib/http/client/request_semaphore.ts";
import { PeerHandler } from "../../../lib/http/server/handler.ts";
import { HttpPeer, type HttpPeerOptions } from "../../../lib/http/client/http_peer.ts";
import { checkLimits } from "../../../lib/http/peer_limits.ts";
import { DueQueue } from "../../../lib/timing/due_queue.ts";
import type { EncodedValue, PeerCallOptions } from "../../../lib/peer/peer.ts";
import { VirtualClock } from "../../../lib/testing/virtual_clock.ts";
import { decodeHello, encodeHello, type Hello } from "../../../lib/wire/hello.ts";
import {
  decodeGetKeysRequest,
  decodeSetRequest,
  encodeGetResponse,
  encodeGetResponses,
  type GetResponse,
} from "../../../lib/wire/messages.ts";
import { test } from "../../runtime.ts";
import { Endless } from "../endless.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const URL = "http://peer:8080";
const NOW_MS = 1_700_000_000_000;
const LONG = "k".repeat(5000);

const OURS = { "content-type": "application/x-protobuf", "groupcache-version": "1" };
/** As groupcache in Go replies. */
const GO = { "content-type": "application/x-protobuf" };

function utf8(text: string): Bytes {
  return new TextEncoder().encode(text);
}

/** Settles never, as a `fetch` may that ignores its signal. */
const never = () => new Promise<never>(() => {});

interface Sent {
  url: string;
  method: string;
  headers: Headers;
  body: Bytes;
  signal: AbortSignal | null | undefined;
}

/** A peer at the other end of a `fetch` that the test makes up. */
class Setup {
  readonly clock = new VirtualClock(NOW_MS);
  readonly sent: Sent[] = [];
  readonly peer: HttpPeer;

  constructor(
    reply: (request: Sent, attempt: number) => Response | Promise<Response>,
    options: Partial<HttpPeerOptions> = {},
  ) {
    const fetch: Fetch = (url, init) => {
      const sent: Sent = {
        url,
        method: init?.method ?? "",
        headers: new Headers(init?.headers),
        body: typeof init?.body === "string" ? utf8(init.body) : init?.body as Bytes,
        signal: init?.signal,
      };
      this.sent.push(sent);
      return Promise.resolve(reply(sent, this.sent.length));
    };
    this.peer = new HttpPeer(URL, {
      fetch,
      semaphore: new RequestSemaphore(128),
      limits: checkLimits({}),
      clock: this.clock,
      silences: new DueQueue({ clock: this.clock }),
      basePath: "/_groupcache/",
      peerTimeoutMs: 10_000,
      instanceId: "me",
      trustsGoStatus: false,
      mayBeGo: false,
      self: () => "http://me:8080",
      random: () => 0,
      probe: () => Promise.resolve(false),
      onAnswer: () => {},
      onDown: () => {},
      onUp: () => {},
      ...options,
    });
  }

  get(key = "key", options?: PeerCallOptions): Promise<EncodedValue> {
    return this.peer.get("group", key, options);
  }

  /** The error of a call that is expected to fail, after as much virtual time as it takes. */
  async failure(call: Promise<unknown> = this.get()): Promise<GroupCacheError> {
    const error = await this.clock.until(call.then(() => undefined, (error) => error));
    assertInstanceOf(error, GroupCacheError);
    assertEquals(this.clock.pendingTimers, 0);
    return error;
  }

  /** The requests, without those by which the client finds out what the peer is. */
  get calls(): Sent[] {
    return this.sent.filter(({ url }) => url !== `${URL}/_groupcache/`);
  }
}

function valueReply(text: string, message: GetResponse = {}, headers = OURS as HeadersInit) {
  return new Response(encodeGetResponse({ ...message, value: utf8(text) }), { headers });
}

/** What a peer of our kind says about its base path. */
function badRequest(): Response {
  const headers = { "groupcache-version": "1", "groupcache-error": "bad-key" };
  return new Response("Cannot parse path", { status: 400, headers });
}

/** A body that the test writes as it goes, and whether its reader has gone. */
class SlowBody {
  isCancelled = false;
  #controller!: ReadableStreamDefaultController<Bytes>;
  readonly stream = new ReadableStream<Bytes>({
    start: (controller) => {
      this.#controller = controller;
    },
    cancel: () => {
      this.isCancelled = true;
    },
  });
  write(bytes: Bytes): void {
    this.#controller.enqueue(bytes);
  }
  end(): void {
    this.#controller.close();
  }
  cut(error: Error): void {
    this.#controller.error(error);
  }
}

// ------------------------------------------------------------------------------------------ get

test("HttpPeer.get() gives the value and its end", async () => {
  const setup = new Setup(() => valueReply("hello", { expiresAtMs: NOW_MS + 5000 }));
  const value = await setup.get();
  assertEquals(value.view.text(), "hello");
  assertEquals(value.expiresAtMs, NOW_MS + 5000);
  assertEquals(setup.clock.pendingTimers, 0);
});

test("HttpPeer.get() of a Go peer gives the value, without an end if there is none", async () => {
  const setup = new Setup(() => valueReply("hello", { minuteQps: 0 }, GO));
  const value = await setup.get();
  assertEquals([value.view.text(), value.expiresAtMs], ["hello", Infinity]);
});

test("HttpPeer.get() gives an empty value as one that is there", async () => {
  assertEquals((await new Setup(() => valueReply("")).get()).view.size, 0);
});

test("HttpPeer.get() says who asks, and follows no redirect", async () => {
  let init: RequestInit | undefined;
  const fetch: Fetch = (_, given) => {
    init = given;
    return Promise.resolve(valueReply("hello"));
  };
  const setup = new Setup(never, { fetch });
  await setup.get("a/b");
  assertEquals(init?.method, "GET");
  assertEquals(init?.redirect, "manual");
  assertEquals(new Headers(init?.headers).get("groupcache-from"), "me");
});

test("HttpPeer.get() sends the key as a path", async () => {
  const setup = new Setup(() => valueReply("hello"));
  await setup.get("a/b é");
  assertEquals(setup.sent.map(({ method, url }) => `${method} ${url}`), [
    "GET http://peer:8080/_groupcache/group/a%2Fb%20%C3%A9",
  ]);
});

const DEADLINES: { loadTimeoutMs: number | undefined; header: string | null }[] = [
  { loadTimeoutMs: undefined, header: null },
  { loadTimeoutMs: Infinity, header: null },
  { loadTimeoutMs: 30_000, header: "30000" },
  { loadTimeoutMs: 0.5, header: "1" },
];

for (const { loadTimeoutMs, header } of DEADLINES) {
  test(`HttpPeer.get() passes on a deadline of ${loadTimeoutMs} ms as ${header}`, async () => {
    const setup = new Setup(() => valueReply("hello"));
    await setup.get("key", loadTimeoutMs === undefined ? {} : { loadTimeoutMs });
    assertEquals(setup.sent[0]?.headers.get("groupcache-timeout-ms"), header);
  });
}

test("HttpPeer.get() gives views that do not change with the buffers of a fetch", async () => {
  const setup = new Setup(() => valueReply("hello"));
  const { view } = await setup.get();
  view.bytes().fill(0);
  assertEquals(view.text(), "hello");
});

test("HttpPeer.get() knows the media type with parameters that a proxy put behind it", async () => {
  const headers = { ...OURS, "content-type": "application/x-protobuf; charset=utf-8" };
  const setup = new Setup(() => new Response(WHOLE, { headers }));
  assertEquals((await setup.get()).view.text(), "hello");
});

// ------------------------------------------------------------------------ peers that do not answer

function html(status: number, headers: Record<string, string> = {}): Response {
  return new Response("<h1>Bad Gateway</h1>", {
    status,
    headers: { "content-type": "text/html", ...headers },
  });
}

function cutBody(bytes: Bytes): ReadableStream<Bytes> {
  const body = new SlowBody();
  body.write(bytes);
  queueMicrotask(() => body.cut(new TypeError("connection reset")));
  return body.stream;
}

const WHOLE = encodeGetResponse({ value: utf8("hello"), expiresAtMs: NOW_MS, minuteQps: 1 });

const PEER_FAILURES: { name: string; reply: () => Response | Promise<Response>; why: string }[] = [
  {
    name: "refuses the connection",
    reply: () => Promise.reject(new TypeError("connection refused")),
    why: "connection refused",
  },
  { name: "fails in an odd way", reply: () => Promise.reject(undefined), why: "undefined" },
  {
    name: "is asked by a fetch that throws",
    reply: () => {
      throw new TypeError("Invalid URL");
    },
    why: "Invalid URL",
  },
  {
    name: "replies with noise",
    reply: () => new Response(Uint8Array.of(255, 254, 253), { headers: OURS }),
    why: "Cannot read protobuf",
  },
  {
    name: "replies with a page that looks like success",
    reply: () => html(200),
    why: "expected application/x-protobuf: received text/html",
  },
  {
    name: "replies without a content type",
    reply: () => new Response(WHOLE),
    why: "expected application/x-protobuf: received null",
  },
  {
    name: "replies with nothing",
    reply: () => new Response(null, { headers: OURS }),
    why: "without a value",
  },
  {
    name: "replies without a value",
    reply: () => new Response(encodeGetResponse({ minuteQps: 1 }), { headers: OURS }),
    why: "without a value",
  },
  {
    name: "ends its reply after a sign of life",
    reply: () => new Response(encodeGetResponse({ pending: true }), { headers: OURS }),
    why: "without a value",
  },
  {
    name: "breaks off",
    reply: () => new Response(cutBody(WHOLE.slice(0, 5)), { headers: OURS }),
    why: "connection reset",
  },
  {
    name: "breaks off after the last byte",
    reply: () => new Response(cutBody(WHOLE), { headers: OURS }),
    why: "connection reset",
  },
  { name: "stands behind a proxy that fails", reply: () => html(502), why: "status 502" },
  { name: "stands behind a proxy that waits", reply: () => html(504), why: "status 504" },
  { name: "stands behind a login", reply: () => html(302, { location: "/" }), why: "status 302" },
  { name: "replies 204", reply: () => new Response(null, { status: 204 }), why: "status 204" },
  { name: "replies 404 by itself", reply: () => html(404), why: "status 404" },
  { name: "replies 503 by itself", reply: () => html(503), why: "status 503" },
  {
    name: "says so in an error that is none of ours",
    reply: () => html(418, { "groupcache-error": "teapot" }),
    why: "teapot",
  },
];

for (const { name, reply, why } of PEER_FAILURES) {
  test(`HttpPeer.get() fails with code peer-failed if the peer ${name}`, async () => {
    const error = await new Setup(reply).failure();
    assertEquals(error.code, "peer-failed");
    assert(error.message.startsWith("Cannot ask peer http://peer:8080: "), error.message);
    assert(error.message.includes(why), error.message);
  });
}

test("HttpPeer.get() keeps what fetch threw as the cause", async () => {
  const cause = new TypeError("connection refused");
  const error = await new Setup(() => Promise.reject(cause)).failure();
  assertStrictEquals(error.cause, cause);
});

test("HttpPeer.get() of a reply cut at any byte never gives a value", async () => {
  for (let length = 0; length < WHOLE.byteLength; length++) {
    const setup = new Setup(() => new Response(WHOLE.slice(0, length), { headers: OURS }));
    const error = await setup.get().then((value) => value.view.text(), (error) => error);
    assertInstanceOf(error, GroupCacheError, `after ${length} bytes: ${error}`);
    assertEquals(error.code, "peer-failed");
  }
});

test("HttpPeer tells no more of a page than people can read", async () => {
  const { message } = await new Setup(() => new Response("x".repeat(1e6), { status: 500 }))
    .failure();
  assert(message.length < 1200);
});

// ------------------------------------------------------------------------------ the peer's answers

type AnswerCase = { sent: string; status: number; code: GroupCacheErrorCode };

const ANSWERS: AnswerCase[] = [
  { sent: "not-found", status: 404, code: "not-found" },
  { sent: "load-failed", status: 503, code: "load-failed" },
  { sent: "timeout", status: 503, code: "timeout" },
  { sent: "bad-key", status: 400, code: "bad-key" },
  { sent: "too-large", status: 413, code: "too-large" },
  // A proxy changed the status.
  { sent: "not-found", status: 500, code: "not-found" },
  // Whoever says these cannot answer; the next peer may.
  { sent: "closed", status: 421, code: "peer-failed" },
  { sent: "peer-failed", status: 421, code: "peer-failed" },
  { sent: "unauthorized", status: 401, code: "peer-failed" },
];

for (const { sent, status, code } of ANSWERS) {
  test(`HttpPeer.get() takes ${sent} with status ${status} for ${code}`, async () => {
    const headers = { "groupcache-version": "1", "groupcache-error": sent };
    const setup = new Setup(() => new Response("Cannot load: the reason", { status, headers }));
    const error = await setup.failure();
    assertEquals(error.code, code);
    assert(error.message.includes("Cannot load: the reason"));
  });

  test(`HttpPeer.get() takes ${sent} in the body of a late reply for ${code}`, async () => {
    const late = { pending: true, error: sent, message: "Cannot load: the reason" };
    const setup = new Setup(() => new Response(encodeGetResponse(late), { headers: OURS }));
    const error = await setup.failure();
    assertEquals(error.code, code);
    assert(error.message.includes("Cannot load: the reason"));
  });
}

test("HttpPeer.get() takes an error for what counts, if a value comes with it", async () => {
  const setup = new Setup(() => valueReply("hello", { error: "not-found", message: "no" }));
  assertEquals((await setup.failure()).code, "not-found");
});

const GO_STATUSES: {
  status: number;
  headers: Record<string, string>;
  code: GroupCacheErrorCode;
}[] = [
  { status: 404, headers: {}, code: "not-found" },
  { status: 503, headers: {}, code: "load-failed" },
  { status: 500, headers: {}, code: "peer-failed" },
  { status: 400, headers: {}, code: "peer-failed" },
  // Ours would name the error.
  { status: 404, headers: { "groupcache-version": "1" }, code: "peer-failed" },
  { status: 503, headers: { "groupcache-version": "1" }, code: "peer-failed" },
];

for (const { status, headers, code } of GO_STATUSES) {
  const who = "groupcache-version" in headers ? "a peer of our kind" : "a Go peer";
  test(`HttpPeer.get() takes ${status} of ${who} for ${code}, where statuses are trusted`, async () => {
    const setup = new Setup(() => new Response("reason", { status, headers }), {
      trustsGoStatus: true,
    });
    assertEquals((await setup.failure()).code, code);
  });
}

test("HttpPeer.get() takes a Go peer that lacks the group for one that cannot be asked", async () => {
  const setup = new Setup(() => new Response("no such group: group\n", { status: 404 }), {
    trustsGoStatus: true,
  });
  assertEquals((await setup.failure()).code, "peer-failed");
});

// --------------------------------------------------------------------------------------- silence

const SILENT: { name: string; call: (setup: Setup) => Promise<unknown> }[] = [
  { name: "get", call: ({ peer }) => peer.get("group", "key") },
  { name: "remove", call: ({ peer }) => peer.remove("group", "key") },
  {
    name: "set",
    call: ({ peer }) =>
      peer.set("group", "key", { view: new ByteView("v"), expiresAtMs: Infinity }),
  },
];

for (const { name, call } of SILENT) {
  test(`HttpPeer.${name}() gives a peer up that is silent, even if fetch ignores that`, async () => {
    const setup = new Setup(never);
    const error = await setup.failure(call(setup));
    assertEquals(error.code, "peer-failed");
    assert(error.message.includes("no sign of life for 3000 ms"));
    assertEquals(setup.clock.now(), NOW_MS + 3000);
    assertEquals(setup.sent.length, 1);
    assert(setup.sent[0]?.signal?.aborted);
  });
}

test("HttpPeer.get() gives a peer up that falls silent after a sign of life", async () => {
  const body = new SlowBody();
  const setup = new Setup(() => new Response(body.stream, { headers: OURS }));
  body.write(encodeGetResponse({ pending: true }));
  const error = await setup.failure();
  assert(error.message.includes("no sign of life for 3000 ms"));
  assertEquals(setup.clock.now(), NOW_MS + 3000);
  assert(body.isCancelled);
});

test("HttpPeer.get() lets signs of life be further apart than an impatient limit", async () => {
  const body = new SlowBody();
  const setup = new Setup(() => new Response(body.stream, { headers: OURS }), {
    peerTimeoutMs: 200,
  });
  const call = setup.get();
  await setup.clock.advance(999);
  body.write(encodeGetResponse({ value: utf8("hello") }));
  body.end();
  assertEquals((await call).view.text(), "hello");
});

test("HttpPeer.get() waits for hours for a peer that shows life", async () => {
  const body = new SlowBody();
  const setup = new Setup(() => new Response(body.stream, { headers: OURS }));
  const call = setup.get();
  for (let hour = 0; hour < 5; hour++) {
    await setup.clock.advance(999);
    body.write(encodeGetResponse({ pending: true }));
  }
  body.write(encodeGetResponse({ value: utf8("hello") }));
  body.end();
  assertEquals((await call).view.text(), "hello");
  assertEquals(setup.clock.pendingTimers, 0);
});

test("HttpPeer.get() lets a large body take its time", async () => {
  const bytes = encodeGetResponse({ value: new Uint8Array(2 << 20).fill(7) });
  const body = new SlowBody();
  const headers = { ...OURS, "content-length": String(bytes.byteLength) };
  const setup = new Setup(() => new Response(body.stream, { headers }));
  const call = setup.get();
  for (let start = 0; start < bytes.byteLength; start += 1 << 19) {
    body.write(bytes.slice(start, start + (1 << 19)));
    await setup.clock.advance(900);
  }
  body.end();
  assertEquals((await call).view.size, 2 << 20);
});

for (const length of ["5", "0", "-1", "many", "6e7"]) {
  test(`HttpPeer.get() reads the body whole, whatever a content-length of ${length} says`, async () => {
    const headers = { ...OURS, "content-length": length };
    const setup = new Setup(() => new Response(cut(WHOLE), { headers }));
    assertEquals((await setup.get()).view.text(), "hello");
  });
}

/** A stream of `bytes` one by one. */
function cut(bytes: Bytes): ReadableStream<Bytes> {
  return ReadableStream.from([...bytes].map((byte) => Uint8Array.of(byte)));
}

// ------------------------------------------------------------------------------------ the caller

for (const { name, call } of SILENT) {
  test(`HttpPeer.${name}() sends nothing for a caller who has left`, async () => {
    const setup = new Setup(() => valueReply("hello"));
    const reason = new Error("I have to go");
    const { peer } = setup;
    const leaving = new Proxy(peer, {
      get: (_, method: "get" | "set" | "remove") => (...args: unknown[]) =>
        (peer[method] as (...args: unknown[]) => unknown)(...args, {
          signal: AbortSignal.abort(reason),
        }),
    });
    const error = await call({ peer: leaving } as Setup).catch((error) => error);
    assertStrictEquals(error, reason);
    assertEquals(setup.sent, []);
  });
}

test("HttpPeer.get() ends at once when the caller leaves, even if fetch ignores that", async () => {
  const setup = new Setup(never);
  const caller = new AbortController();
  const call = setup.get("key", { signal: caller.signal }).catch((error) => error);
  await setup.clock.advance(2000);
  const reason = new Error("I have to go");
  caller.abort(reason);
  assertStrictEquals(await call, reason);
  await setup.clock.advance(0);
  assert(setup.sent[0]?.signal?.aborted);
  assertEquals(setup.clock.pendingTimers, 0);
});

test("HttpPeer.get() ends at once when the caller leaves in the middle of a reply", async () => {
  const body = new SlowBody();
  const setup = new Setup(() => new Response(body.stream, { headers: OURS }));
  body.write(encodeGetResponse({ pending: true }));
  const caller = new AbortController();
  const call = setup.get("key", { signal: caller.signal }).catch((error) => error);
  await setup.clock.advance(500);
  caller.abort();
  assertEquals((await call).name, "AbortError");
  await setup.clock.advance(0);
  assert(body.isCancelled);
  assertEquals(setup.clock.pendingTimers, 0);
});

test("HttpPeer.get() of one caller goes on when another leaves", async () => {
  const reply = Promise.withResolvers<Response>();
  const setup = new Setup((_, attempt) => attempt === 1 ? never() : reply.promise);
  const caller = new AbortController();
  const gone = setup.get("a", { signal: caller.signal }).catch((error) => error);
  const stays = setup.get("b");
  await setup.clock.advance(0);
  caller.abort(new Error("I have to go"));
  assertEquals((await gone).message, "I have to go");
  reply.resolve(valueReply("hello"));
  assertEquals((await stays).view.text(), "hello");
});

// --------------------------------------------------------------------------------------- changes

const VALUE: EncodedValue = { view: new ByteView("hello"), expiresAtMs: NOW_MS + 5000 };
const done = () => new Response("", { headers: { "groupcache-version": "1" } });

test("HttpPeer.set() puts the value, its key and its end", async () => {
  const setup = new Setup(done);
  await setup.peer.set("group", "a/b", VALUE);
  const [sent] = setup.sent;
  assertEquals(`${sent?.method} ${sent?.url}`, "PUT http://peer:8080/_groupcache/group/a%2Fb");
  assertEquals(sent?.headers.get("content-type"), "application/x-protobuf");
  assertEquals(sent?.headers.get("groupcache-from"), "me");
  assertEquals(decodeSetRequest(sent?.body ?? new Uint8Array()), {
    group: "group",
    key: "a/b",
    value: utf8("hello"),
    expiresAtMs: NOW_MS + 5000,
  });
});

test("HttpPeer.remove() deletes the key", async () => {
  const setup = new Setup(done);
  await setup.peer.remove("group", "a/b");
  assertEquals(setup.sent.map(({ method, url }) => `${method} ${url}`), [
    "DELETE http://peer:8080/_groupcache/group/a%2Fb",
  ]);
});

for (const key of [".", "..", LONG]) {
  const name = key.slice(0, 5);

  test(`HttpPeer.set() sends the key ${name} in the body only`, async () => {
    const setup = new Setup(done);
    await setup.peer.set("group", key, VALUE);
    const [sent] = setup.sent;
    assertEquals(`${sent?.method} ${sent?.url}`, "PUT http://peer:8080/_groupcache/group/-");
    assertEquals(decodeSetRequest(sent?.body ?? new Uint8Array()).key, key);
  });

  test(`HttpPeer.remove() sends the key ${name} in a body, once it knows the peer`, async () => {
    const setup = new Setup(done);
    await setup.peer.remove("group", key);
    const [asked, sent] = setup.sent;
    assertEquals(`${asked?.method} ${asked?.url}`, "GET http://peer:8080/_groupcache/");
    assertEquals(
      `${sent?.method} ${sent?.url}`,
      "POST http://peer:8080/_groupcache/group/_remove-keys/",
    );
    assertEquals(sent?.headers.get("content-type"), "application/json");
    assertEquals(new ByteView(sent?.body ?? "").json(), { group: "group", keys: [key] });
  });
}

const CHANGES: { name: string; change: (peer: HttpPeer) => Promise<void> }[] = [
  { name: "PUT", change: (peer) => peer.set("group", "key", VALUE) },
  { name: "DELETE", change: (peer) => peer.remove("group", "key") },
  { name: "POST", change: (peer) => peer.remove("group", ".") },
];

/** A peer of our kind that is asked first what it is, if need be. `reply` replies to changes. */
function setupForChanges(reply: (attempt: number) => Response | Promise<Response>): Setup {
  const setup: Setup = new Setup(({ method }) =>
    method === "GET" ? done() : reply(changesOf(setup).length)
  );
  return setup;
}

function changesOf(setup: Setup): Sent[] {
  return setup.sent.filter(({ method }) => method !== "GET");
}

for (const { name, change } of CHANGES) {
  test(`HttpPeer sends a ${name} again, once, if the connection breaks`, async () => {
    const reset = () => Promise.reject(new TypeError("ECONNRESET"));
    const setup = setupForChanges((attempt) => attempt === 1 ? reset() : done());
    await change(setup.peer);
    const [first, second, ...more] = changesOf(setup);
    assertEquals(more, []);
    assertEquals([first?.method, second?.method], [name, name]);
    assertEquals(second?.body, first?.body);
    assertEquals(setup.clock.pendingTimers, 0);

    const broken = setupForChanges(reset);
    assertEquals((await broken.failure(change(broken.peer))).code, "peer-failed");
    assertEquals(changesOf(broken).length, 2);
  });

  test(`HttpPeer takes any reply to a ${name} but 200 for a failure`, async () => {
    for (const status of [201, 204, 302, 404, 500]) {
      const setup = setupForChanges(() => new Response(null, { status }));
      assertEquals((await setup.failure(change(setup.peer))).code, "peer-failed");
      assertEquals(changesOf(setup).length, 1);
    }
  });

  test(`HttpPeer reports a refusal of a ${name} as the peer's answer`, async () => {
    const setup = setupForChanges(badRequest);
    assertEquals((await setup.failure(change(setup.peer))).code, "bad-key");
  });

  test(`HttpPeer is not taken in by a peer that takes a ${name} for a get`, async () => {
    const setup = setupForChanges(() => new Response(WHOLE, { headers: GO }));
    const error = await setup.failure(change(setup.peer));
    assertEquals(error.code, "peer-failed");
    assert(error.message.includes(`it took a ${name} for a get`), error.message);
  });
}

test("HttpPeer.remove() sends a long key to a Go peer as a path, and a step of a path not at all", async () => {
  const setup = new Setup(({ method }) =>
    new Response(null, { status: method === "GET" ? 400 : 200 })
  );
  await setup.peer.remove("group", LONG);
  const error = await setup.failure(setup.peer.remove("group", "."));
  assertEquals(error.code, "peer-failed");
  assert(error.message.includes("cannot receive such a key"), error.message);
  assertEquals(setup.sent.map(({ method, url }) => `${method} ${url}`), [
    "GET http://peer:8080/_groupcache/",
    `DELETE http://peer:8080/_groupcache/group/${LONG}`,
    "GET http://peer:8080/_groupcache/",
  ]);
});

test("HttpPeer does not send a GET again: runtimes do that", async () => {
  const setup = new Setup(() => Promise.reject(new TypeError("ECONNRESET")));
  await setup.failure();
  assertEquals(setup.sent.length, 1);
});

test("HttpPeer makes room for the next request, however one ends", async () => {
  const caller = new AbortController();
  const replies: (() => Response | Promise<Response>)[] = [
    () => Promise.reject(new TypeError("connection refused")),
    () => html(200),
    () => html(502),
    () => new Response(cutBody(WHOLE), { headers: OURS }),
    never,
    () => {
      caller.abort();
      return never();
    },
    () => valueReply("hello"),
  ];
  const setup = new Setup((_, attempt) => replies[attempt - 1]?.() ?? never(), {
    semaphore: new RequestSemaphore(1),
  });
  for (let attempt = 1; attempt <= 5; attempt++) await setup.failure();
  const left = await setup.get("key", { signal: caller.signal }).catch((error) => error);
  assertEquals(left.name, "AbortError");
  assertEquals((await setup.clock.until(setup.get())).view.text(), "hello");
});

// ----------------------------------------------------------------------- keys that are no paths

/** Serves keys in bodies, as a peer of our kind does. Its base path alone is a bad request. */
function servesBodies({ method, url, body }: Sent): Response {
  if (url === `${URL}/_groupcache/`) return badRequest();
  assertEquals(method, "POST");
  assertEquals(url, `${URL}/_groupcache/group/_get-keys/`);
  const results = decodeGetKeysRequest(body).map((key, index) => ({
    index,
    value: utf8(`value of ${key.slice(0, 5)}`),
    expiresAtMs: NOW_MS + 5000,
  }));
  return new Response(encodeGetResponses([{ pending: true }, ...results]), { headers: OURS });
}

for (const key of [".", "..", LONG]) {
  test(`HttpPeer.get() sends the key ${key.slice(0, 5)} in a body, once it knows the peer`, async () => {
    const setup = new Setup(servesBodies);
    for (let gets = 0; gets < 3; gets++) {
      const value = await setup.get(key);
      assertEquals(value.view.text(), `value of ${key.slice(0, 5)}`);
      assertEquals(value.expiresAtMs, NOW_MS + 5000);
    }
    assertEquals(setup.sent.map(({ method }) => method), ["GET", "POST", "POST", "POST"]);
    assertEquals(setup.clock.pendingTimers, 0);
  });
}

test("HttpPeer.get() need not ask what the peer is if it has just replied", async () => {
  const setup = new Setup((request) =>
    request.method === "GET" ? valueReply("hello") : servesBodies(request)
  );
  await setup.get("key");
  await setup.get(".");
  assertEquals(setup.sent.map(({ method }) => method), ["GET", "POST"]);
});

test("HttpPeer.get() says that a Go peer cannot receive a step of a path", async () => {
  const setup = new Setup(() => new Response("bad request", { status: 400 }));
  for (const key of [".", ".."]) {
    const error = await setup.failure(setup.get(key));
    assertEquals(error.code, "peer-failed");
    assert(error.message.includes("cannot receive such a key"));
  }
  assertEquals(setup.calls, []);
});

test("HttpPeer.get() sends a long key to a Go peer as a path", async () => {
  const setup = new Setup(({ url }) =>
    url === `${URL}/_groupcache/`
      ? new Response("bad request", { status: 400 })
      : valueReply("hello", {}, GO)
  );
  assertEquals((await setup.get(LONG)).view.text(), "hello");
  assertEquals(setup.calls.map(({ method, url }) => `${method} ${url}`), [
    `GET http://peer:8080/_groupcache/group/${LONG}`,
  ]);
});

test("HttpPeer.get() asks again what a peer is whose proxy had failed", async () => {
  const setup = new Setup((request, attempt) => attempt === 1 ? html(502) : servesBodies(request));
  assertEquals((await setup.failure(setup.get("."))).code, "peer-failed");
  assertEquals((await setup.get(".")).view.text(), "value of .");
});

test("HttpPeer.get() of a key that a Go peer cannot receive fails alone", async () => {
  const setup = new Setup(
    ({ url }) =>
      url === `${URL}/_groupcache/`
        ? new Response("bad request", { status: 400 })
        : valueReply("hello", {}, GO),
    { limits: checkLimits({ maxGets: 1 }) },
  );
  const odd = setup.get(".").catch((error) => error);
  await Promise.resolve();
  const waiting = setup.get("key");
  assertEquals((await odd).code, "peer-failed");
  assertEquals((await waiting).view.text(), "hello");
});

test("HttpPeer.get() waits for no slow load of other keys, which show life", async () => {
  const bodies: SlowBody[] = [];
  const setup = new Setup(({ url }) => {
    if (url.endsWith("/quick")) return valueReply("hello");
    const body = new SlowBody();
    body.write(encodeGetResponse({ pending: true }));
    bodies.push(body);
    return new Response(body.stream, { headers: OURS });
  });
  await setup.get("quick");
  const slow: Promise<EncodedValue>[] = [];
  for (let loads = 0; loads < 20; loads++) {
    slow.push(setup.get(`slow:${loads}`));
    await setup.clock.advance(0);
  }
  assertEquals((await setup.get("quick")).view.text(), "hello");
  for (const body of bodies) {
    body.write(encodeGetResponse({ value: utf8("at last") }));
    body.end();
  }
  for (const call of slow) assertEquals((await call).view.text(), "at last");
});

const BAD_BODIES: { name: string; reply: () => Response; code: GroupCacheErrorCode }[] = [
  {
    name: "names an error of the key",
    reply: () => framed([{ index: 0, error: "not-found", message: "no" }]),
    code: "not-found",
  },
  {
    name: "names an error of the peer",
    reply: () => framed([{ index: 0, error: "closed", message: "no" }]),
    code: "peer-failed",
  },
  { name: "holds no result", reply: () => framed([{ pending: true }]), code: "peer-failed" },
  {
    name: "holds that of another key",
    reply: () => framed([{ index: 1, value: utf8("x") }]),
    code: "peer-failed",
  },
  { name: "is empty", reply: () => framed([]), code: "peer-failed" },
  {
    name: "breaks off",
    reply: () =>
      new Response(encodeGetResponses([{ index: 0, value: utf8("x") }]).slice(0, -1), {
        headers: OURS,
      }),
    code: "peer-failed",
  },
  {
    name: "is noise",
    reply: () => new Response(Uint8Array.of(3, 255, 255, 255), { headers: OURS }),
    code: "peer-failed",
  },
  { name: "is a page", reply: () => html(200, { "groupcache-version": "1" }), code: "peer-failed" },
  { name: "has a bad status", reply: () => html(500), code: "peer-failed" },
];

function framed(messages: GetResponse[]): Response {
  return new Response(encodeGetResponses(messages), { headers: OURS });
}

for (const { name, reply, code } of BAD_BODIES) {
  test(`HttpPeer.get() fails with code ${code} if the reply to a key in a body ${name}`, async () => {
    const setup = new Setup(({ method }) => method === "GET" ? badRequest() : reply());
    assertEquals((await setup.failure(setup.get("."))).code, code);
  });
}

// ------------------------------------------------------------------------------- with the handler

const KEYS = [
  ".",
  "..",
  "a/b",
  "/",
  "a b",
  "a+b",
  "%2F",
  "%",
  "?x=1#y",
  "é",
  "😀",
  "\0",
  "_get-keys/",
  "_remove-keys/",
  "k".repeat(60 << 10),
  "é".repeat(30 << 10),
];

for (const key of KEYS) {
  for (const plusIsSpace of [false, true]) {
    const name = `${JSON.stringify(key.slice(0, 15))}${
      plusIsSpace ? ", where a plus is a space" : ""
    }`;
    test(`HttpPeer and PeerHandler agree on the key ${name}`, async () => {
      const received: string[] = [];
      const handler = new PeerHandler({
        clock: new VirtualClock(),
        basePath: "/_groupcache/",
        plusIsSpace,
        maxValueBytes: checkLimits({}).maxValueBytes,
        peer: () => undefined,
        greet: (hello) => hello,
        group: () => ({
          count: () => 0,
          find: () => undefined,
          load: (key) => {
            received.push(`load ${key}`);
            return Promise.resolve(VALUE);
          },
          put: (key) => received.push(`put ${key}`),
          acceptHandoff: never,
          drop: (key) => received.push(`drop ${key}`),
        }),
      });
      const fetch: Fetch = async (url, init) =>
        await handler.handle(new Request(url, init), undefined) as Response;
      const { peer } = new Setup(never, { fetch });
      assertEquals((await peer.get("group", key)).view.text(), "hello");
      await peer.set("group", key, VALUE);
      await peer.remove("group", key);
      assertEquals(received, [`load ${key}`, `put ${key}`, `drop ${key}`]);
    });
  }
}

// ----------------------------------------------------------------------------------------- peek

test("HttpPeer.get() says that it peeks, and never in one request with calls that do not", async () => {
  const setup = new Setup((request, attempt) => {
    if (attempt === 1) return valueReply("hello");
    const keys = decodeGetKeysRequest(request.body);
    return new Response(
      encodeGetResponses(keys.map((key, index) => ({ index, value: utf8(key) }))),
      { headers: OURS },
    );
  });
  await setup.get("first");
  const calls = ["a", "b", "c", "d"].map((key, i) => setup.get(key, { peek: i % 2 === 0 }));
  const values = await Promise.all(calls);
  assertEquals(values.map(({ view }) => view.text()), ["a", "b", "c", "d"]);
  const peeks = setup.calls.map(({ headers }) => headers.get("groupcache-peek"));
  assertEquals(peeks.slice(1).sort(), ["1", null].sort());
});

test("HttpPeer.get() does not peek at a peer that may be one of Go, which would load", async () => {
  const setup = new Setup(() => valueReply("hello"), { mayBeGo: true });
  const error = await setup.failure(setup.get("key", { peek: true }));
  assertEquals(error.code, "peer-failed");
  assertEquals(setup.sent, []);
  await setup.get("key");
  assertEquals((await setup.get("key", { peek: true })).view.text(), "hello", "it is one of ours");
});

// ---------------------------------------------------------------------------------------- health

const HEALTHY: { name: string; reply: () => Response; isDown: boolean; mayBeGo?: boolean }[] = [
  {
    name: "does not know the group",
    reply: () => errorReply(421, "peer-failed"),
    isDown: false,
  },
  { name: "finds nothing", reply: () => errorReply(404, "not-found"), isDown: false },
  { name: "cannot load", reply: () => errorReply(503, "load-failed"), isDown: false },
  { name: "is closed", reply: () => errorReply(421, "closed"), isDown: true },
  { name: "is no peer", reply: () => new Response("<html>", { status: 404 }), isDown: true },
  {
    name: "has a proxy's error page",
    reply: () => new Response("", { status: 502 }),
    isDown: true,
  },
  {
    name: "is one of Go whose loader fails",
    reply: () => new Response("", { status: 500 }),
    isDown: false,
    mayBeGo: true,
  },
  {
    name: "is one of Go behind a proxy that cannot reach it",
    reply: () => new Response("", { status: 504 }),
    isDown: true,
    mayBeGo: true,
  },
];

function errorReply(status: number, code: string): Response {
  const headers = { "groupcache-version": "1", "groupcache-error": code };
  return new Response("no", { status, headers });
}

for (const { name, reply, isDown, mayBeGo = false } of HEALTHY) {
  test(`HttpPeer ${isDown ? "gives up" : "goes on asking"} a peer that ${name}`, async () => {
    const setup = new Setup(reply, { mayBeGo });
    for (let i = 0; i < 40; i++) await setup.get(`key ${i}`).catch(() => {});
    assertEquals(setup.peer.health.isOpen, isDown);
  });
}

test("HttpPeer does not blame a peer for callers who leave", async () => {
  const setup = new Setup(never);
  for (let i = 0; i < 40; i++) {
    const caller = new AbortController();
    const call = setup.get(`key ${i}`, { signal: caller.signal }).catch(() => {});
    await setup.clock.advance(0);
    caller.abort();
    await call;
  }
  assertEquals(setup.peer.health.isOpen, false);
});

test("HttpPeer gives a Go peer with a slow loader up only for failing again and again", async () => {
  const setup = new Setup(never, { mayBeGo: true, peerTimeoutMs: 2000 });
  for (let i = 0; i < 4; i++) await setup.failure(setup.get(`key ${i}`));
  assertEquals(setup.peer.health.isOpen, false);
  await setup.failure(setup.get("one more"));
  assert(setup.peer.health.isOpen);
});

// ----------------------------------------------------------------------------------------- hello

const HELLO: Hello = {
  instance: "1",
  self: URL,
  peers: [URL],
  placement: "rendezvous",
  isLeaving: false,
  hadGivenUp: false,
};

test("HttpPeer.hello() gives the peer's own", async () => {
  const headers = { "groupcache-version": "1" };
  const setup = new Setup(({ body }) => {
    const { self } = decodeHello(new TextDecoder().decode(body));
    return new Response(encodeHello({ ...HELLO, peers: [self] }), { headers });
  });
  const theirs = await setup.peer.hello({ ...HELLO, self: "http://me:1" });
  assertEquals(theirs?.peers, ["http://me:1"]);
  assertEquals(setup.sent.map(({ method, url }) => `${method} ${url}`), [
    `POST ${URL}/_groupcache/`,
  ]);
});

test("HttpPeer.hello() takes whatever a Go peer answers for a sign of life, and nothing else", async () => {
  const refusal = () => new Response("bad request", { status: 400 });
  assertEquals(await new Setup(refusal, { mayBeGo: true }).peer.hello(HELLO), undefined);
  const error = await new Setup(refusal).peer.hello(HELLO).catch((error) => error);
  assertEquals(error.code, "peer-failed");
});

test("HttpPeer.get() goes on waiting while the peer answers others, up to the peer timeout", async () => {
  const stuck = Promise.withResolvers<Response>();
  const setup = new Setup(({ url }) =>
    url.endsWith("/stuck") ? stuck.promise : valueReply("hello")
  );
  await setup.get("first");
  const startMs = setup.clock.now();
  const call = setup.get("stuck").catch((error) => error);
  for (let i = 0; i < 9; i++) {
    await setup.clock.advance(1000);
    setup.peer.set("group", "other", { view: new ByteView("v"), expiresAtMs: Infinity }).catch(
      () => {},
    );
  }
  assertEquals(setup.peer.health.isOpen, false);
  const error = await setup.clock.until(call);
  assertEquals(error.code, "peer-failed");
  assertEquals(setup.clock.now() - startMs, 10_000);
});

test("HttpPeer gives up all that wait for a silent peer within one silence", async () => {
  let isSilent = false;
  const setup = new Setup(() => isSilent ? new Promise<Response>(() => {}) : valueReply("hello"));
  for (let i = 0; i < 20; i++) {
    await setup.get(`key ${i}`);
    await setup.clock.advance(5000);
  }
  isSilent = true;
  const startMs = setup.clock.now();
  const waits: Promise<number>[] = [];
  for (let i = 0; i < 9; i++) {
    waits.push(setup.get(`late ${i}`).then(() => 0, () => setup.clock.now() - startMs));
    await setup.clock.advance(100);
  }
  const ends = await setup.clock.until(Promise.all(waits));
  assert(Math.max(...ends) <= 2000, ends.join());
});

// ------------------------------------------------------------------------------------- too large

const MAX_VALUE_BYTES = 2000;
/** The most that a reply with a value may have. */
const MAX_MESSAGE_BYTES = MAX_VALUE_BYTES + 256 * 1024;

/** A reply that never ends. */
class EndlessReply extends Endless {
  readonly response: Response;

  constructor(status: number, headers: HeadersInit) {
    super();
    this.response = new Response(this.stream, { status, headers });
  }
}

function setUpBounded(
  reply: (request: Sent) => Response,
  options: Partial<HttpPeerOptions> = {},
): Setup {
  return new Setup(reply, { limits: checkLimits({ maxValueBytes: MAX_VALUE_BYTES }), ...options });
}

for (const headers of [OURS, GO]) {
  const who = headers === OURS ? "a peer of our kind" : "a Go peer";

  test(`HttpPeer.get() of ${who} takes a value of as many bytes as it may have, and none of more`, async () => {
    const setup = setUpBounded(({ url }) => {
      const size = MAX_VALUE_BYTES + (url.endsWith("large") ? 1 : 0);
      return new Response(encodeGetResponse({ value: new Uint8Array(size) }), { headers });
    });
    assertEquals((await setup.get("fits")).view.size, MAX_VALUE_BYTES);
    const error = await setup.failure(setup.get("large"));
    assertEquals(error.code, "too-large");
    assertEquals(
      error.message,
      `Cannot take the reply of peer ${URL}: limits.maxValueBytes is 2000: ` +
        "received a value of 2001 bytes",
    );
  });

  test(`HttpPeer.get() of ${who} takes nothing of a reply that announces too much`, async () => {
    const reply = new EndlessReply(200, {
      ...headers,
      "content-length": String(MAX_MESSAGE_BYTES + 1),
    });
    const error = await setUpBounded(() => reply.response).failure();
    assertEquals(error.code, "too-large");
    assert(error.message.endsWith(`received ${MAX_MESSAGE_BYTES + 1} bytes`), error.message);
    assertEquals([reply.taken, reply.isCancelled], [0, true]);
  });

  // As when it is compressed: then its length is another one.
  for (const more of [{}, { "content-length": "100", "content-encoding": "gzip" }]) {
    const how = "content-length" in more ? "lies about its length" : "has no length";
    test(`HttpPeer.get() of ${who} takes no more than it may of a reply that ${how}`, async () => {
      const reply = new EndlessReply(200, { ...headers, ...more });
      const error = await setUpBounded(() => reply.response).failure();
      assertEquals(error.code, "too-large");
      assert(error.message.endsWith(`received ${reply.taken} bytes and no end`), error.message);
      assert(reply.taken <= MAX_MESSAGE_BYTES + 65_536);
      assert(reply.isCancelled);
    });
  }
}

test("HttpPeer goes on asking a peer whose values are too large", async () => {
  const setup = setUpBounded(() => new EndlessReply(200, OURS).response);
  for (let i = 0; i < 40; i++) assertEquals((await setup.failure()).code, "too-large");
  assertEquals(setup.peer.health.isOpen, false);
});

test("HttpPeer.get() of many keys fails for the one that is too large, and no other", async () => {
  const messages: GetResponse[] = [
    { index: 0, value: utf8("first") },
    { index: 1, value: new Uint8Array(10 * MAX_MESSAGE_BYTES), minuteQps: 3 },
    { index: 2, value: new Uint8Array(MAX_VALUE_BYTES + 1) },
    { index: 3, value: new Uint8Array(MAX_VALUE_BYTES) },
  ];
  const setup = setUpBounded(({ method }) => method === "GET" ? valueReply("") : framed(messages));
  await setup.get();
  const calls = ["a", "b", "c", "d"].map((key) => setup.get(key));
  const outcomes = await Promise.all(
    calls.map((call) => call.then(({ view }) => view.size, ({ code }) => code)),
  );
  assertEquals(outcomes, [5, "too-large", "too-large", MAX_VALUE_BYTES]);
  assertEquals(setup.calls.length, 2, "nothing is asked for again");
});

test("HttpPeer.get() of many keys takes nothing of a value of 4 GiB, not even when it is the last", async () => {
  const body = new SlowBody();
  const setup = setUpBounded(({ method }) =>
    method === "GET" ? valueReply("") : new Response(body.stream, { headers: OURS })
  );
  await setup.get();
  const first = setup.get("a");
  const last = setup.get("b");
  body.write(encodeGetResponses([{ index: 0, value: utf8("first") }]));
  const length = Uint8Array.of(128, 128, 128, 128, 16);
  const message = encodeGetResponse({ index: 1, value: new Uint8Array(100) });
  body.write(new Uint8Array([...length, ...message]));
  assertEquals((await first).view.text(), "first");
  const error = await setup.failure(last);
  assertEquals(error.code, "too-large");
  assert(error.message.endsWith("received 4294967296 bytes"), error.message);
  await setup.clock.advance(0);
  assert(body.isCancelled);
});

test("HttpPeer.get() takes a message that is too large and says for which key for a failure", async () => {
  const value = new Uint8Array(MAX_MESSAGE_BYTES);
  const setup = setUpBounded(({ method }) =>
    method === "GET" ? valueReply("") : framed([{ value }])
  );
  await setup.get();
  const calls = [setup.get("a"), setup.get("b")];
  const codes = await Promise.all(calls.map((call) => call.catch(({ code }) => code)));
  assertEquals(codes, ["peer-failed", "peer-failed"]);
});

const ENDLESS: { name: string; status: number; call: (setup: Setup) => Promise<unknown> }[] = [
  { name: "error", status: 500, call: (setup) => setup.get() },
  { name: "refusal", status: 500, call: ({ peer }) => peer.set("group", "key", VALUE) },
  { name: "hello", status: 200, call: ({ peer }) => peer.hello(HELLO) },
];

for (const { name, status, call } of ENDLESS) {
  test(`HttpPeer reads no more than the beginning of an endless ${name}`, async () => {
    const reply = new EndlessReply(status, { "groupcache-version": "1" });
    const setup = setUpBounded(() => reply.response);
    assertEquals((await setup.failure(call(setup))).code, "peer-failed");
    assert(reply.taken <= 1 << 20, `${reply.taken}`);
    assert(reply.isCancelled);
  });
}
