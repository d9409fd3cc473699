import { assert, assertEquals, assertThrows } from "@std/assert";
import { GroupCache, type GroupCacheOptions, text } from "../../mod.ts";
import { golangRing, groupcacheGoRing, mailgunRing } from "../../lib/placement/mod.ts";
import { VirtualClock } from "../../lib/testing/mod.ts";
import { encodeSetRequest } from "../../lib/wire/set_request.ts";
import { utf8 } from "../../lib/wire/writer.ts";
import { runtime, serve, test } from "../runtime.ts";
import { RawClient } from "./raw_client.ts";

const SELF = "http://127.0.0.1:8080";
const PATH = "/_groupcache/texts/key";
const SECRET = "postgres://app:s3cr3t@10.0.0.9/users";
const PROTOBUF = { "content-type": "application/x-protobuf" };

function cacheWith(options: GroupCacheOptions = {}) {
  const cache = new GroupCache({ self: SELF, ...options });
  const group = cache.group("texts", {
    maxBytes: 1 << 20,
    codec: text,
    ttlMs: 1000,
    load: (key) => key === "broken" ? Promise.reject(new Error(SECRET)) : `value of ${key}`,
  });
  const send = (path: string, init: RequestInit = {}) =>
    cache.fetch(new Request(`${SELF}${path}`, init));
  return { cache, group, send };
}

function put(key: string, value: string, expiresAtMs = Infinity): RequestInit {
  const body = encodeSetRequest({ group: "texts", key, value: utf8(value), expiresAtMs });
  return { method: "PUT", headers: PROTOBUF, body };
}

for (const end of ["/", "?", "#", "@", "\\"]) {
  test(`A request whose host holds ${end} reaches no group, whatever its path`, async () => {
    const { cache } = cacheWith();
    await using _cache = cache;
    const request = new Request(`http://evil${PATH}${end}/public`);
    request.headers.set("host", `evil${PATH}${end}`);
    const reply = await cache.fetch(request);
    assertEquals([reply.status, await reply.text()], [400, ""]);
  });
}

test("A server does not take the host of a request for a path of the cache", async () => {
  const { cache } = cacheWith();
  await using _cache = cache;
  await using server = serve(cache.handler(() => new Response("public")));
  using client = await RawClient.connect(server.url);
  await client.sendHead("GET /public", { host: `evil${PATH}?`, connection: "close" });
  const reply = await client.receive();
  assert(!reply.includes("value of"), reply);
  assert(/^HTTP\/1\.1 (400|200)/.test(reply), reply);
  if (runtime === "deno") assert(reply.startsWith("HTTP/1.1 400"), reply);
});

test("A path with bytes that were not escaped names the key that it means, or none", async () => {
  const loaded: string[] = [];
  await using cache = new GroupCache({ self: SELF });
  cache.group("texts", {
    maxBytes: 1 << 20,
    codec: text,
    load: (key) => {
      loaded.push(key);
      return `value of ${key}`;
    },
  });
  await using server = serve(cache.fetch);
  using client = await RawClient.connect(server.url);
  await client.send(
    utf8("GET /_groupcache/texts/clé HTTP/1.1\r\nhost: peer\r\nconnection: close\r\n\r\n"),
  );
  const reply = await client.receive();
  // Bun decodes UTF-8, Deno Latin-1.
  assertEquals(loaded, runtime === "deno" ? [] : ["clé"]);
  assert(reply.startsWith(`HTTP/1.1 ${runtime === "deno" ? 400 : 200}`), reply);
});

test("GroupCache answers requests to its hosts only, if it is given some", async () => {
  const { cache, send } = cacheWith({ hosts: ["127.0.0.1:8080", "Cache.internal"] });
  await using _cache = cache;
  assertEquals((await send(PATH)).status, 200);
  for (
    const [host, status] of [["cache.internal", 200], ["evil.example", 400], ["", 400]] as const
  ) {
    const request = new Request(`${SELF}${PATH}`);
    request.headers.set("host", host);
    assertEquals((await cache.fetch(request)).status, status, host);
  }
});

const WEB_PAGES: { name: string; path: string; init: RequestInit }[] = [
  {
    name: "a POST of text",
    path: "/_groupcache/texts/_remove-keys/",
    init: { method: "POST", body: '{"keys":["key"]}', headers: { "content-type": "text/plain" } },
  },
  {
    name: "a POST of a form",
    path: "/_groupcache/texts/_remove-keys/",
    init: {
      method: "POST",
      body: '{"keys":["key"]}',
      headers: { "content-type": "application/x-www-form-urlencoded" },
    },
  },
  {
    name: "a POST of no type, with an origin",
    path: "/_groupcache/texts/_remove-keys/",
    init: { method: "POST", body: utf8('{"keys":["key"]}'), headers: { origin: "https://evil" } },
  },
  {
    name: "a DELETE with an origin",
    path: PATH,
    init: { method: "DELETE", headers: { origin: "https://evil" } },
  },
];

for (const { name, path, init } of WEB_PAGES) {
  test(`GroupCache refuses ${name}, as web pages send it`, async () => {
    const { cache, group, send } = cacheWith();
    await using _cache = cache;
    await group.get("key");
    assertEquals((await send(path, init)).status, 400);
    assertEquals(group.peek("key"), "value of key");
  });
}

test("GroupCache refuses a value whose key is not the one in the path", async () => {
  const { cache, group, send } = cacheWith();
  await using _cache = cache;
  for (const [path, key] of [["public", "admin"], ["-", "admin"], ["%2D", "admin"]] as const) {
    const reply = await send(`/_groupcache/texts/${path}`, put(key, "evil"));
    assertEquals([reply.status, reply.headers.get("groupcache-error")], [400, "bad-key"], path);
  }
  const long = "k".repeat(5000);
  for (const [path, key] of [["admin", "admin"], ["-", long], ["-", ".."], ["-", "-"]] as const) {
    assertEquals((await send(`/_groupcache/texts/${path}`, put(key, "good"))).status, 200, path);
    assertEquals(group.peek(key), "good");
  }
});

for (const [putTtlMs, ttlMs] of [[Infinity, 1000], [10_000, 1000], [10, 10]] as const) {
  test(`A value that a peer puts for ${putTtlMs} ms is served for ${ttlMs}, by the group's own rule`, async () => {
    const clock = new VirtualClock();
    const { cache, group, send } = cacheWith({ clock });
    await using _cache = cache;
    await send(PATH, put("key", "put", clock.now() + putTtlMs));
    await clock.advance(ttlMs - 1);
    assertEquals(group.peek("key"), "put");
    await clock.advance(1);
    assertEquals(group.peek("key"), undefined);
  });
}

test("Without a proof nobody is told what a loader says when it fails", async () => {
  const { cache, send } = cacheWith();
  await using _cache = cache;
  const single = await send("/_groupcache/texts/broken");
  assertEquals([single.status, single.headers.get("groupcache-error")], [503, "load-failed"]);
  assertEquals(await single.text(), 'Cannot load "broken": load-failed');
  const keys = utf8("\n\u0006broken");
  const several = await send("/_groupcache/texts/_get-keys/", {
    method: "POST",
    headers: { ...PROTOBUF, "groupcache-from": "me" },
    body: keys,
  });
  const body = await several.text();
  assert(body.includes("load-failed") && !body.includes("s3cr3t"), body);
});

test("Whoever `authorize` lets in is told what a loader says, and nobody else anything", async () => {
  let isLetIn = true;
  const infos: unknown[] = [];
  const { cache } = cacheWith({
    authorize: (request, info) => {
      infos.push(info);
      return isLetIn && request.headers.get("x-client-verified") === "SUCCESS";
    },
  });
  await using _cache = cache;
  const refusals: string[] = [];
  cache.addEventListener("peer-unauthorized", ({ reason, isRefused, peer }) => {
    refusals.push(`${reason} ${isRefused} ${peer}`);
  });
  const request = () =>
    new Request(`${SELF}/_groupcache/texts/broken`, {
      headers: { "x-client-verified": "SUCCESS" },
    });
  const reply = await cache.fetch(request(), "info");
  assert((await reply.text()).includes(SECRET));
  isLetIn = false;
  const refused = await cache.fetch(request(), "info");
  assertEquals([refused.status, await refused.text()], [401, ""]);
  assertEquals(infos, ["info", "info"]);
  assertEquals([...refused.headers.keys()].filter((name) => name.startsWith("groupcache")), []);
  assertEquals(refusals, ["not-authorized true undefined"]);
});

test("A request is refused if `authorize` throws, or answers with anything but true", async () => {
  const answers: unknown[] = [false, undefined, "yes", 1, Promise.resolve(false)];
  const authorizers = answers.map((answer) => () => answer as boolean);
  authorizers.push(() => {
    throw new Error("down");
  }, () => Promise.reject(new Error("down")) as unknown as boolean);
  for (const authorize of authorizers) {
    const { cache, group, send } = cacheWith({ authorize });
    await using _cache = cache;
    assertEquals((await send(PATH)).status, 401);
    assertEquals(group.stats().localLoads, 0);
  }
});

test("No reply to a peer may be kept by a cache on the way", async () => {
  const { cache, send } = cacheWith();
  await using _cache = cache;
  const replies = [
    await send(PATH),
    await send("/_groupcache/texts/broken"),
    await send("/_groupcache/none/key"),
    await send(PATH, { method: "DELETE" }),
    await send(PATH, { method: "PATCH" }),
  ];
  assertEquals(
    replies.map(({ status, headers }) => [status, headers.get("cache-control")]),
    [200, 503, 421, 200, 405].map((status) => [status, "no-store"]),
  );
});

for (const ring of [golangRing, mailgunRing, groupcacheGoRing]) {
  test(`GroupCache refuses auth with ${ring.name}(), whose peers cannot sign`, () => {
    const auth = { secrets: ["a secret of the cluster"] };
    assertThrows(
      () => new GroupCache({ self: SELF, placement: ring(), auth }),
      TypeError,
      "Cannot create GroupCache: auth is not for clusters with Go processes",
    );
  });
}

test("GroupCache refuses auth without self, and hosts that are none", () => {
  const auth = { secrets: ["a secret of the cluster"] };
  assertThrows(() => new GroupCache({ auth }), TypeError, "auth needs the option self");
  for (const hosts of ["peer", ["http://peer"], [""], [1], ["a b"]]) {
    assertThrows(
      () => new GroupCache({ hosts: hosts as string[] }),
      TypeError,
      "hosts must be an array of hosts",
    );
  }
});
