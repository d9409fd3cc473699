import { assert, assertEquals } from "@std/assert";
import type { GroupCacheErrorCode } from "../../../lib/errors.ts";
import { checkLimits } from "../../../lib/http/peer_limits.ts";
import type { EncodedValue } from "../../../lib/peer/peer.ts";
import { dialectOf } from "../../../lib/http/dialect.ts";
import { decodeGetKeysRequest } from "../../../lib/wire/get_keys_request.ts";
import { repeatsTooOften } from "../../../lib/http/repeated_keys.ts";
import { encodeGetResponse, encodeGetResponses } from "../../../lib/wire/get_response.ts";
import { test } from "../../runtime.ts";
import {
  badRequest,
  framed,
  GO,
  html,
  LONG,
  NOW_MS,
  OURS,
  type Sent,
  Setup,
  SlowBody,
  URL,
  utf8,
  valueReply,
} from "./setup.ts";

/** Serves keys in bodies, as a peer of our kind does. Its base path alone is a bad request. */
function servesBodies({ method, url, body }: Sent): Response {
  if (url === `${URL}/_groupcache/`) return badRequest();
  assertEquals(method, "POST");
  assertEquals(url, `${URL}/_groupcache/group/_get-keys/`);
  const results = decodeGetKeysRequest(body).keys.map((key, index) => ({
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

test("HttpPeer.get() does not wait for slow loads of other keys, which show life", async () => {
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

for (const { name, reply, code } of BAD_BODIES) {
  test(`HttpPeer.get() fails with code ${code} if the reply to a key in a body ${name}`, async () => {
    const setup = new Setup(({ method }) => method === "GET" ? badRequest() : reply());
    assertEquals((await setup.failure(setup.get("."))).code, code);
  });
}

test("HttpPeer.get() never asks so often for a key in one request that a peer would refuse it", async () => {
  const setup = new Setup((request, attempt) => {
    if (attempt === 1) return valueReply("hello");
    const { keys } = decodeGetKeysRequest(request.body);
    assert(!repeatsTooOften(keys), `${keys.length} keys`);
    return new Response(
      encodeGetResponses(keys.map((key, index) => ({ index, value: utf8(key) }))),
      { headers: OURS },
    );
  });
  await setup.get("first");
  // As after so many changes of it, each of which starts another flight.
  const values = await Promise.all(Array.from({ length: 100 }, () => setup.get("same")));
  assertEquals(new Set(values.map(({ view }) => view.text())), new Set(["same"]));
  assert(setup.sent.length < 12, `${setup.sent.length} requests`);
});

test("HttpPeer.get() says that it peeks, and never in one request with calls that do not", async () => {
  const setup = new Setup((request, attempt) => {
    if (attempt === 1) return valueReply("hello");
    const { keys } = decodeGetKeysRequest(request.body);
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
  const setup = new Setup(() => valueReply("hello"), { dialect: dialectOf("golang") });
  const error = await setup.failure(setup.get("key", { peek: true }));
  assertEquals(error.code, "peer-failed");
  assertEquals(setup.sent, []);
  await setup.get("key");
  assertEquals((await setup.get("key", { peek: true })).view.text(), "hello", "it is one of ours");
});
