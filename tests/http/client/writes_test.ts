import type { HttpPeer } from "../../../lib/http/client/http_peer.ts";
import { assert, assertEquals } from "@std/assert";
import { ByteView } from "../../../lib/byte_view.ts";
import { decodeSetRequest } from "../../../lib/wire/set_request.ts";
import { RequestSemaphore } from "../../../lib/http/client/request_semaphore.ts";
import { dialectOf } from "../../../lib/http/dialect.ts";
import { test } from "../../runtime.ts";
import { badRequest, GO, LONG, NOW_MS, type Sent, Setup, utf8, VALUE, WHOLE } from "./setup.ts";

const done = () => new Response("", { headers: { "groupcache-version": "1" } });

test("HttpPeer.set() puts the value, its key and its expiry", async () => {
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
    ttlMs: 5000,
  });
});

test("HttpPeer.set() leaves out of the time to live what it waited for its turn", async () => {
  const semaphore = new RequestSemaphore(1);
  await semaphore.acquire();
  const setup = new Setup(done, { semaphore });
  const set = setup.peer.set("group", "key", VALUE);
  await setup.clock.advance(3000);
  semaphore.release();
  await set;
  assertEquals(decodeSetRequest(setup.sent[0]?.body ?? new Uint8Array()).ttlMs, 2000);
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

const CHANGES: { name: string; change: (peer: HttpPeer) => Promise<unknown> }[] = [
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

  test(`HttpPeer notices a peer that takes a ${name} for a get`, async () => {
    const setup = setupForChanges(() => new Response(WHOLE, { headers: GO }));
    const error = await setup.failure(change(setup.peer));
    assertEquals(error.code, "peer-failed");
    assert(error.message.includes(`it took a ${name} for a get`), error.message);
  });
}

test("HttpPeer.remove() sends a long key to a Go peer as a path, and a step of a path not at all", async () => {
  const setup = new Setup(
    ({ method }) => new Response(null, { status: method === "GET" ? 400 : 200 }),
    { dialect: dialectOf("mailgun") },
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
