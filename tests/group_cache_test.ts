import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  GroupCache,
  GroupCacheError,
  type GroupCacheOptions,
  type GroupOptions,
  text,
} from "../mod.ts";
import { golangRing, mailgunRing } from "../lib/placement/mod.ts";
import { VirtualClock } from "../lib/testing/mod.ts";
import { test } from "./runtime.ts";

const SELF = "http://10.0.0.1:8080";
const OTHER = "http://10.0.0.2:8080";

const texts: GroupOptions<string> & { codec: typeof text } = {
  maxBytes: 1 << 20,
  codec: text,
  load: (key) => `value of ${key}`,
};

test("GroupCache serves one process without a network", async () => {
  await using cache = new GroupCache({
    fetch: () => Promise.reject(new Error("no network here")),
  });
  assertEquals(await cache.group("texts", texts).get("key"), "value of key");
  assertEquals(cache.peers, []);
  assertEquals(cache.stats().self, null);
});

const badOptions: { name: string; options: unknown; error: RegExp }[] = [
  {
    name: "a list that lacks self",
    options: { self: SELF, peers: [OTHER] },
    error:
      /the list must contain self, "http:\/\/10\.0\.0\.1:8080": received \["http:\/\/10\.0\.0\.2/,
  },
  { name: "an empty list", options: { self: SELF, peers: [] }, error: /must contain self/ },
  {
    name: "a list that is none",
    options: { self: SELF, peers: OTHER },
    error: /expected an array of URLs: received string/,
  },
  {
    name: "a peer that is no URL",
    options: { self: SELF, peers: [SELF, "10.0.0.2"] },
    error: /Cannot use peers: expected a URL: received "10\.0\.0\.2"/,
  },
  {
    name: "a peer that is no string",
    options: { self: SELF, peers: [SELF, 42] },
    error: /Cannot use peers: expected a URL: received 42/,
  },
  {
    name: "a peer without a scheme",
    options: { self: SELF, peers: [SELF, "host:8080"] },
    error: /expected a URL of scheme, host and port.*received "host:8080"/,
  },
  {
    name: "a peer with a path",
    options: { self: SELF, peers: [SELF, `${OTHER}/cache`] },
    error: /expected a URL of scheme, host and port/,
  },
  {
    name: "a peer with a query",
    options: { self: SELF, peers: [SELF, `${OTHER}?x`] },
    error: /expected a URL of scheme, host and port/,
  },
  {
    name: "a peer with credentials",
    options: { self: SELF, peers: [SELF, "http://me:secret@10.0.0.2"] },
    error: /expected a URL of scheme, host and port/,
  },
  {
    name: "a peer twice",
    options: { self: SELF, peers: [SELF, OTHER, OTHER] },
    error: /"http:\/\/10\.0\.0\.2:8080" is listed twice/,
  },
  {
    name: "a peer twice, written in two ways",
    options: { self: SELF, peers: [SELF, "http://host", "http://HOST:80/"] },
    error: /is listed twice/,
  },
  {
    name: "peers without self",
    options: { peers: [SELF] },
    error: /the cache was created without the option self/,
  },
  {
    name: "self that is no URL",
    options: { self: "localhost" },
    error: /Cannot use self: expected a URL: received "localhost"/,
  },
  {
    name: "a basePath without slashes",
    options: { basePath: "cache" },
    error: /basePath must begin and end with a slash.*received "cache"/,
  },
  ...["/a/../b/", "/ä/", "/a?b/", "/a b/"].map((basePath) => ({
    name: `the basePath ${basePath}`,
    options: { basePath },
    error: /basePath must begin and end with a slash, and be normalized as in URLs: received "\//,
  })),
  {
    name: "a peerTimeoutMs of 0",
    options: { peerTimeoutMs: 0 },
    error: /peerTimeoutMs must be a number above 0: received 0/,
  },
  {
    name: "a peerTimeoutMs that is no number",
    options: { peerTimeoutMs: "10" },
    error: /peerTimeoutMs must be a number above 0: received "10"/,
  },
  {
    name: "a hedge that is no boolean",
    options: { hedge: "yes" },
    error: /hedge must be a boolean: received "yes"/,
  },
  {
    name: "a tracer that is none",
    options: { tracer: {} as never },
    error: /tracer must be a Tracer, as openTelemetryTracer\(\) of \.\/metrics: received/,
  },
];

for (const { name, options, error } of badOptions) {
  test(`GroupCache refuses ${name}, and says what it received`, () => {
    const thrown = assertThrows(() => new GroupCache(options as GroupCacheOptions));
    assert(thrown instanceof TypeError || thrown instanceof RangeError);
    assert(error.test(thrown.message), thrown.message);
  });
}

test("GroupCache treats URLs with a trailing slash or in capitals as the same", () => {
  const cache = new GroupCache({ self: "http://host:8080/", peers: ["http://HOST:8080", OTHER] });
  assertEquals(cache.peers.length, 2);
});

test("GroupCache.setPeers() keeps the old list when the new one is refused", () => {
  const cache = new GroupCache({ self: SELF, peers: [SELF, OTHER] });
  assertThrows(() => cache.setPeers([OTHER]), TypeError);
  assertThrows(() => cache.setPeers([SELF, "nonsense"]), TypeError);
  assertEquals(cache.peers, [SELF, OTHER]);
});

const badNames: { name: string; group: unknown; error: RegExp }[] = [
  { name: "an empty name", group: "", error: /non-empty string: received ""/ },
  { name: "a name that is no string", group: 42, error: /non-empty string: received 42/ },
  { name: "a name with a slash", group: "a/b", error: /must not contain a slash.*received "a\/b"/ },
  { name: "the name .", group: ".", error: /usable in a path/ },
  { name: "the name ..", group: "..", error: /usable in a path/ },
  { name: "a lone surrogate", group: "\ud800", error: /usable in a path/ },
  {
    name: "a name twice",
    group: "taken",
    error: /there is already a group of that name: received "taken"/,
  },
];

for (const { name, group, error } of badNames) {
  test(`GroupCache.group() refuses ${name}`, () => {
    const cache = new GroupCache();
    cache.group("taken", texts);
    const thrown = assertThrows(() => cache.group(group as string, texts), TypeError);
    assert(error.test(thrown.message), thrown.message);
  });
}

const badGroupOptions: { name: string; options: unknown; error: RegExp }[] = [
  {
    name: "no options",
    options: undefined,
    error: /options must be an object: received undefined/,
  },
  { name: "no maxBytes", options: {}, error: /maxBytes must be a positive integer: received und/ },
  { name: "a maxBytes of 0", options: { maxBytes: 0 }, error: /maxBytes.*: received 0/ },
  {
    name: "a maxBytes below 64 KiB",
    options: { maxBytes: 65_535 },
    error: /64 KiB: received 65535/,
  },
  { name: "a fractional maxBytes", options: { maxBytes: 1.5 }, error: /maxBytes.*: received 1.5/ },
  { name: "no load", options: { load: undefined }, error: /load must be a function: received und/ },
  {
    name: "half a codec",
    options: { codec: { encode() {} } },
    error: /codec must have encode and/,
  },
  { name: "a negative ttlMs", options: { ttlMs: -1 }, error: /ttlMs must be.*: received -1/ },
  { name: "a ttlMs of NaN", options: { ttlMs: NaN }, error: /ttlMs must be.*: received NaN/ },
  { name: "a loadTimeoutMs of 0", options: { loadTimeoutMs: 0 }, error: /loadTimeoutMs must be/ },
];

for (const { name, options, error } of badGroupOptions) {
  test(`GroupCache.group() refuses ${name}`, () => {
    const cache = new GroupCache();
    const whole = name === "no options" || name === "no maxBytes"
      ? options
      : { ...texts, ...options as object };
    const thrown = assertThrows(() => cache.group("texts", whole as typeof texts));
    assert(thrown instanceof TypeError || thrown instanceof RangeError);
    assert(error.test(thrown.message), thrown.message);
    cache.group("texts", texts); // The name is still free.
  });
}

test("Two caches in one process share nothing", async () => {
  await using one = new GroupCache();
  await using two = new GroupCache();
  const ofOne = one.group("texts", texts);
  const ofTwo = two.group("texts", { ...texts, load: () => "of two" });
  assertEquals(await ofOne.get("key"), "value of key");
  assertEquals(await ofTwo.get("key"), "of two");
  await one.close();
  assertEquals(await ofTwo.get("key"), "of two");
});

test("Two groups of one cache share nothing", async () => {
  await using cache = new GroupCache();
  const one = cache.group("one", texts);
  const two = cache.group("two", { ...texts, load: () => "of two" });
  assertEquals([await one.get("key"), await two.get("key")], ["value of key", "of two"]);
  await one.remove("key");
  assertEquals([one.peek("key"), two.peek("key")], [undefined, "of two"]);
  assertEquals(Object.keys(cache.stats().groups), ["one", "two"]);
});

test("GroupCache.fetch answers peers wherever it is passed, and any other request with 404", async () => {
  await using cache = new GroupCache();
  cache.group("texts", texts);
  const { fetch } = cache;
  const ofPeer = await fetch(new Request(`${SELF}/_groupcache/texts/key`));
  assertEquals(ofPeer.status, 200);
  assertEquals(ofPeer.headers.get("content-type"), "application/x-protobuf");
  await ofPeer.body?.cancel();
  assertEquals((await fetch(new Request(`${SELF}/about`))).status, 404);
  assertEquals((await fetch(new Request(`${SELF}/_groupcached`))).status, 404);
});

test("GroupCache.handler() passes all other requests to the application, with all arguments", async () => {
  await using cache = new GroupCache({ basePath: "/peers/" });
  cache.group("texts", texts);
  const handler = cache.handler((request: Request, info: string, more: number) =>
    new Response(`${new URL(request.url).pathname} ${info} ${more}`)
  );
  const ofUser = await handler(new Request(`${SELF}/about?x`), "info", 42);
  assertEquals(await ofUser.text(), "/about info 42");
  const elsewhere = await handler(new Request(`${SELF}/_groupcache/texts/key`), "info", 42);
  assertEquals(await elsewhere.text(), "/_groupcache/texts/key info 42");
  const ofPeer = await handler(new Request(`${SELF}/peers/texts/key`), "info", 42);
  assertEquals(ofPeer.headers.get("groupcache-version"), "1");
  await ofPeer.body?.cancel();
});

test("GroupCache reads a plus in a path as the clients of its ring mean it", async () => {
  const rings = [
    { placement: golangRing(), key: "a b" },
    { placement: mailgunRing(), key: "a+b" },
  ];
  for (const { placement, key } of rings) {
    await using cache = new GroupCache({ placement });
    const group = cache.group("texts", texts);
    const response = await cache.fetch(new Request(`${SELF}/_groupcache/texts/a+b`));
    await response.body?.cancel();
    assertEquals(group.peek(key), `value of ${key}`);
  }
});

test("GroupCache.close() ends every use of the cache, and returned values stay valid", async () => {
  const clock = new VirtualClock();
  const cache = new GroupCache({ clock });
  const group = cache.group("views", { maxBytes: 1 << 20, load: (key) => `value of ${key}` });
  const never = cache.group("never", { ...texts, load: () => new Promise<string>(() => {}) });
  const view = await group.get("key");
  const waiting = assertRejects(() => never.get("key"), GroupCacheError, "it was closed");
  const ofPeer = cache.fetch(new Request(`${SELF}/_groupcache/never/key`));
  await cache.close();
  await waiting;
  const reply = await ofPeer;
  assertEquals(reply.status, 421);
  assertEquals(reply.headers.get("groupcache-error"), "closed");
  await cache.close();
  for (const call of [() => group.get("key"), () => group.set("k", "v"), () => group.remove("k")]) {
    const error = await assertRejects(call, GroupCacheError);
    assertEquals((error as GroupCacheError).code, "closed");
  }
  assertEquals(group.peek("key"), undefined);
  assertThrows(() => cache.group("late", texts), GroupCacheError, "it was closed");
  const later = await cache.fetch(new Request(`${SELF}/_groupcache/views/key`));
  assertEquals([later.status, later.headers.get("groupcache-error")], [421, "closed"]);
  assertEquals(view.text(), "value of key");
  assertEquals(clock.pendingTimers, 0);
});

test("GroupCache passes nothing of a loader's error but its code to those who prove nothing", async () => {
  await using cache = new GroupCache();
  cache.group("broken", {
    ...texts,
    load: () => {
      throw new Error("down");
    },
  });
  const response = await cache.fetch(new Request(`${SELF}/_groupcache/broken/key`));
  assertEquals(response.status, 503);
  assertEquals(await response.text(), 'Cannot load "key": load-failed');
});
