import { assert, assertEquals, assertInstanceOf, assertStrictEquals } from "@std/assert";
import { GroupCacheError, type GroupCacheErrorCode } from "../../../lib/errors.ts";
import { dialectOf } from "../../../lib/http/dialect.ts";
import { encodeGetResponse } from "../../../lib/wire/get_response.ts";
import { test } from "../../runtime.ts";
import { cutBody, html, OURS, Setup, valueReply, WHOLE } from "./setup.ts";

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

test("HttpPeer.get() treats a reply with both an error and a value as an error", async () => {
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
      dialect: dialectOf("mailgun"),
    });
    assertEquals((await setup.failure()).code, code);
  });
}

test("HttpPeer.get() takes a Go peer that lacks the group for one that cannot be asked", async () => {
  const setup = new Setup(() => new Response("no such group: group\n", { status: 404 }), {
    dialect: dialectOf("mailgun"),
  });
  assertEquals((await setup.failure()).code, "peer-failed");
});
