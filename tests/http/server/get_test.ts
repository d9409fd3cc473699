import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { GroupCacheError, type GroupCacheErrorCode } from "../../../lib/errors.ts";
import { encodeGetKeysRequest } from "../../../lib/wire/get_keys_request.ts";
import { decodeGetResponse, type GetResponse } from "../../../lib/wire/get_response.ts";
import { test } from "../../runtime.ts";
import {
  assertFailure,
  assertHeaders,
  bound,
  framesOf,
  MAX_VALUE_BYTES,
  NOW_MS,
  OURS,
  RATE,
  read,
  Setup,
  textOf,
  valueOf,
  valueOfSize,
} from "./setup.ts";

async function messageOf(response: Response): Promise<GetResponse> {
  return decodeGetResponse(new Uint8Array(await response.arrayBuffer()));
}

test("GET gives the value that is in memory, and when it expires", async () => {
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
    ttlMs: 90_000 - 15_000 - 100,
    minuteQps: RATE,
  });
  assertEquals(setup.clock.pendingTimers, 0);
});

test("GET of a slow load is one message to a client that reads the whole body", async () => {
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
  test(`GET of a slow load that fails (${what}) says so in the body`, async () => {
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

test("GET of a slow load says in the body that the deadline has passed", async () => {
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

test("GET gives a value of exactly maxValueBytes, and none that is larger", async () => {
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

/** A value that takes more than half of what may be sent at a time. */
const HALF_BYTES = 20 << 20;

/** One reply that takes most of the room for large values, and another one that waits for it. */
async function waitingReply(setup: Setup): Promise<{ first: Response; second: Promise<Response> }> {
  for (const key of ["first", "second"]) setup.group.values.set(key, valueOfSize(HALF_BYTES));
  const first = await setup.send("/_groupcache/group/first", { headers: OURS });
  const second = await setup.ask("/_groupcache/group/second", { headers: OURS });
  assertEquals(second.response, undefined);
  return { first, second: second.promise };
}

test("GET of a large value that is replaced while it waits for room gives what is there then", async () => {
  const setup = new Setup({ maxValueBytes: HALF_BYTES });
  const { first, second } = await waitingReply(setup);
  setup.group.values.set("second", valueOf("small"));
  await first.body?.cancel();
  assertEquals(textOf(await messageOf(await second)), "small");
  assertEquals(setup.clock.pendingTimers, 0);
});

test("GET of a large value that is replaced by one too large while it waits says so", async () => {
  const setup = new Setup({ maxValueBytes: HALF_BYTES });
  const { first, second } = await waitingReply(setup);
  setup.group.values.set("second", valueOfSize(HALF_BYTES + 1));
  await first.body?.cancel();
  assertFailure(await second, 413, "too-large");
  assertEquals(setup.clock.pendingTimers, 0);
});

test("GET of a large value that is evicted while it waits for room loads it", async () => {
  const setup = new Setup({ maxValueBytes: HALF_BYTES });
  const { first, second } = await waitingReply(setup);
  setup.group.values.delete("second");
  await first.body?.cancel();
  await setup.clock.advance(0);
  setup.load().resolve(valueOf("loaded"));
  assertEquals(textOf(await messageOf(await second)), "loaded");
  assertEquals(setup.clock.pendingTimers, 0);
});
