import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import {
  bytes,
  ByteView,
  type Codec,
  type Group,
  GroupCache,
  GroupCacheError,
  type GroupOptions,
  json,
  type Load,
  text,
} from "../mod.ts";
import { Cluster, VirtualClock } from "../lib/testing/mod.ts";
import { codeOf } from "./failures.ts";
import { test } from "./runtime.ts";
import { newAnswerCounts } from "../lib/stats.ts";

const MAX_BYTES = 1 << 20;

/** A group of texts in a cache of its own, under a virtual clock. */
function setUp(options: Partial<GroupOptions<string>> & { load: Load<string> }) {
  const clock = new VirtualClock();
  const cache = new GroupCache({ clock });
  const group = cache.group("texts", { maxBytes: MAX_BYTES, codec: text, ...options });
  return { clock, cache, group };
}

/** A loader that ends when the test says so. */
class ManualLoad {
  calls: { key: string; signal: AbortSignal; outcome: PromiseWithResolvers<string> }[] = [];
  readonly load: Load<string> = (key, { signal }) => {
    const outcome = Promise.withResolvers<string>();
    this.calls.push({ key, signal, outcome });
    return outcome.promise;
  };
}

test("Group.get() shares one load among all waiters, and its value with later callers", async () => {
  const { load, calls } = new ManualLoad();
  const { group } = setUp({ load });
  const waits = Array.from({ length: 1000 }, () => group.get("key"));
  assertEquals(calls.length, 1);
  calls[0]?.outcome.resolve("value");
  assertEquals(new Set(await Promise.all(waits)), new Set(["value"]));
  assertEquals(await group.get("key"), "value");
  assertEquals(calls.length, 1);
});

test("Group.stats() counts what happened", async () => {
  const { load, calls } = new ManualLoad();
  const { cache, group } = setUp({ load });
  const waits = [group.get("key"), group.get("key"), group.get("key")];
  calls[0]?.outcome.resolve("value");
  await Promise.all(waits);
  await group.get("key");
  const stats = group.stats();
  const { latencies, ...counts } = stats;
  assertEquals([latencies.get.count, latencies.peer.count, latencies.load.count], [4, 0, 1]);
  assertEquals(
    { ...counts, main: { ...counts.main, bytes: counts.main.bytes > 0 } },
    {
      gets: 4,
      hits: 1,
      answers: { ...newAnswerCounts(), main: 1, load: 3 },
      peerAnswers: newAnswerCounts(),
      loads: 3,
      loadsShared: 2,
      loadsExecuted: 1,
      localLoads: 1,
      localLoadErrors: 0,
      peekLoads: 0,
      handoffs: 0,
      peerLoads: 0,
      peerErrors: 0,
      hedges: 0,
      hedgesWon: 0,
      serverRequests: 0,
      hotServerRequests: 0,
      mirrored: 0,
      maxBytes: 1 << 20,
      main: { ...stats.main, items: 1, bytes: true, gets: 4, hits: 1, evictions: 0 },
      hot: stats.hot,
    },
  );
  const whole = cache.stats();
  assertEquals(JSON.parse(JSON.stringify(whole)), whole, "stats are plain JSON");
  assertEquals(whole.groups["texts"], stats);
});

const failures: { name: string; load: Load<string>; code: string; message: RegExp }[] = [
  {
    name: "rejects",
    load: () => Promise.reject(new Error("the origin is down")),
    code: "load-failed",
    message: /^Cannot load "key" of group "texts": the origin is down$/,
  },
  {
    name: "throws at once",
    load: () => {
      throw new Error("at once");
    },
    code: "load-failed",
    message: /: at once$/,
  },
  {
    name: "throws no Error",
    load: () => Promise.reject(42),
    code: "load-failed",
    message: /: 42$/,
  },
  {
    name: "throws undefined",
    load: () => Promise.reject(undefined),
    code: "load-failed",
    message: /: undefined$/,
  },
  {
    name: "returns the wrong type",
    load: () => 42 as unknown as string,
    code: "load-failed",
    message: /expected a string: received number$/,
  },
  {
    name: "returns text that UTF-8 cannot hold",
    load: () => "\ud800",
    code: "load-failed",
    message: /lone surrogate/,
  },
  {
    name: "returns undefined",
    load: () => undefined,
    code: "not-found",
    message: /^Cannot load "key" of group "texts": there is no such value$/,
  },
  {
    name: "says that there is no value",
    load: () => {
      throw new GroupCacheError("not-found", "Cannot find user: no row");
    },
    code: "not-found",
    message: /no row/,
  },
  {
    name: "fails as another cache's peer would",
    load: () => Promise.reject(new GroupCacheError("peer-failed", "Cannot ask peer")),
    code: "load-failed",
    message: /Cannot ask peer/,
  },
];

for (const { name, load, code, message } of failures) {
  test(`Group.get() shares the failure and frees the key when the loader ${name}`, async () => {
    let runs = 0;
    const { group, clock } = setUp({
      load: (key, context) => runs++ === 0 ? load(key, context) : "recovered",
    });
    const outcomes = await Promise.allSettled([group.get("key"), group.get("key")]);
    const [first, second] = outcomes.map((outcome) =>
      outcome.status === "rejected" ? outcome.reason : undefined
    );
    assert(first instanceof GroupCacheError);
    assertEquals(first.code, code);
    assert(message.test(first.message), first.message);
    assertStrictEquals(second, first);
    assertEquals(runs, 1);
    assertEquals(await group.get("key"), "recovered");
    assertEquals(clock.pendingTimers, 0);
  });
}

test("Group.get() keeps what the loader threw as the cause", async () => {
  const thrown = { odd: "object" };
  const { group } = setUp({ load: () => Promise.reject(thrown) });
  const error = await group.get("key").catch((error) => error);
  assertStrictEquals(error.cause, thrown);
});

test("Group.get() ends a load that never settles after loadTimeoutMs, and frees the key", async () => {
  const { load, calls } = new ManualLoad();
  const { group, clock } = setUp({ load, loadTimeoutMs: 5000 });
  const wait = group.get("key");
  const code = codeOf(wait);
  await clock.advance(4999);
  assert(!calls[0]?.signal.aborted);
  await clock.advance(1);
  assertEquals(await code, "timeout");
  assert(calls[0]?.signal.aborted);
  const retry = group.get("key");
  calls[0]?.outcome.resolve("too late");
  calls[1]?.outcome.resolve("fresh");
  assertEquals(await retry, "fresh");
  assertEquals(await group.get("key"), "fresh");
  assertEquals(group.stats().localLoadErrors, 1);
  assertEquals(clock.pendingTimers, 0);
});

test("Group.get() for its own key from inside the loader ends after loadTimeoutMs", async () => {
  const { group, clock } = setUp({
    load: async (key, { group }) => `again ${await group.get(key)}`,
  });
  assertEquals(await clock.until(codeOf(group.get("key"))), "timeout");
  assertEquals(clock.pendingTimers, 0);
});

test("Group.get() lets a loader get other keys of its own group", async () => {
  const { group } = setUp({
    load: async (key, { group }) =>
      key === "0" ? "end" : `${key} ${await group.get(String(Number(key) - 1))}`,
  });
  assertEquals(await group.get("3"), "3 2 1 end");
});

test("Group.get() ends only the wait of a caller whose signal aborts", async () => {
  const { load, calls } = new ManualLoad();
  const { group } = setUp({ load });
  const leaver = new AbortController();
  const leaving = group.get("key", { signal: leaver.signal });
  const staying = group.get("key");
  const reason = new Error("had enough");
  leaver.abort(reason);
  assertStrictEquals(await leaving.catch((error) => error), reason);
  assert(!calls[0]?.signal.aborted);
  calls[0]?.outcome.resolve("value");
  assertEquals(await staying, "value");
});

test("Group.get() aborts the load when the last waiter leaves, and the next caller starts a new one", async () => {
  const { load, calls } = new ManualLoad();
  const { group, clock } = setUp({ load });
  const leavers = [new AbortController(), new AbortController()];
  const waits = leavers.map(({ signal }) => group.get("key", { signal }));
  const settled = Promise.allSettled(waits);
  leavers[0]?.abort();
  assert(!calls[0]?.signal.aborted);
  leavers[1]?.abort();
  assert(calls[0]?.signal.aborted);
  await settled;
  const fresh = group.get("key");
  assertEquals(calls.length, 2);
  calls[0]?.outcome.resolve("old");
  calls[1]?.outcome.resolve("new");
  assertEquals(await fresh, "new");
  assertEquals(group.peek("key"), "new");
  assertEquals(group.stats().localLoadErrors, 0, "to leave is no failure of the loader");
  assertEquals(clock.pendingTimers, 0);
});

test("Group.get() rejects at once with the reason of an aborted signal, hit or miss", async () => {
  const { load, calls } = new ManualLoad();
  const { group } = setUp({ load });
  await group.set("present", "value");
  for (const key of ["present", "absent"]) {
    const reason = new Error(key);
    const wait = group.get(key, { signal: AbortSignal.abort(reason) });
    assertStrictEquals(await wait.catch((error) => error), reason);
  }
  assertEquals(calls.length, 0);
});

const badKeys: { name: string; key: unknown }[] = [
  { name: "an empty string", key: "" },
  { name: "a lone surrogate", key: "a\ud800" },
  { name: "more than 64 KiB", key: "é".repeat(32 * 1024) + "x" },
  { name: "a number", key: 42 },
  { name: "undefined", key: undefined },
  { name: "null", key: null },
];

for (const { name, key } of badKeys) {
  test(`Group refuses ${name} as a key with a TypeError`, async () => {
    const { group } = setUp({ load: () => "value" });
    const bad = key as string;
    for (const call of [() => group.get(bad), () => group.set(bad, ""), () => group.remove(bad)]) {
      await assertRejects(call, TypeError, "Cannot use key");
    }
    assertThrows(() => group.peek(bad), TypeError, "Cannot use key");
    assertEquals(group.stats().gets, 0);
  });
}

test("Group.get() does not confuse a lone surrogate with the replacement character", async () => {
  const { group } = setUp({ load: () => "value" });
  assertEquals(await group.get("\ufffd"), "value");
  await assertRejects(() => group.get("\ud800"), TypeError, "Cannot use key");
});

test("Group.get() serves a value for ttlMs, and not a millisecond longer", async () => {
  let loads = 0;
  const { group, clock } = setUp({ ttlMs: 1000, load: () => `load ${++loads}` });
  assertEquals(await group.get("key"), "load 1");
  await clock.advance(999);
  assertEquals(await group.get("key"), "load 1");
  await clock.advance(1);
  assertEquals(group.peek("key"), undefined);
  assertEquals(await group.get("key"), "load 2");
});

test("Group.get() expires a value in time although earlier ones never expire", async () => {
  let loads = 0;
  const { group, clock } = setUp({
    ttlMs: (_, key) => key === "lasting" ? Infinity : 1000,
    load: () => `load ${++loads}`,
  });
  assertEquals(await group.get("lasting"), "load 1");
  assertEquals(await group.get("lasting"), "load 1");
  assertEquals(await group.get("passing"), "load 2");
  await clock.advance(999);
  assertEquals(await group.get("passing"), "load 2");
  await clock.advance(1);
  assertEquals(group.peek("passing"), undefined);
  assertEquals(await group.get("passing"), "load 3");
  assertEquals(await group.get("lasting"), "load 1");
});

test("Group.get() calls ttlMs with the value and its key", async () => {
  const { group, clock } = setUp({
    ttlMs: (value, key) => value.length * 1000 + (key === "long" ? 500 : 0),
    load: () => "ab",
  });
  await Promise.all([group.get("short"), group.get("long")]);
  await clock.advance(2000);
  assertEquals([group.peek("short"), group.peek("long")], [undefined, "ab"]);
  await clock.advance(500);
  assertEquals(group.peek("long"), undefined);
});

test("Group.get() shares a value whose time to live is 0 and keeps nothing", async () => {
  let loads = 0;
  const { group } = setUp({ ttlMs: () => 0, load: () => `load ${++loads}` });
  assertEquals(await Promise.all([group.get("key"), group.get("key")]), ["load 1", "load 1"]);
  assertEquals(group.stats().main.items, 0);
  assertEquals(await group.get("key"), "load 2");
});

test("Group.get() fails if ttlMs returns something other than a number of at least 0", async () => {
  for (const ttl of [NaN, -1]) {
    const { group } = setUp({ ttlMs: () => ttl, load: () => "value" });
    assertEquals(await codeOf(group.get("key")), "load-failed");
  }
});

test("Group.get() serves a value that is too large to keep", async () => {
  let loads = 0;
  const { group } = setUp({ load: () => `${++loads}`.padEnd(MAX_BYTES, ".") });
  assertEquals((await group.get("key"))[0], "1");
  assertEquals((await group.get("key"))[0], "2");
  assertEquals(group.stats().main.items, 0);
});

test("Group stays within maxBytes whatever values it stores", async () => {
  const { group } = setUp({ load: (key) => key.repeat(100) });
  for (let i = 0; i < 5000; i++) {
    await group.get(`key ${i}`);
    if (i % 3 === 0) await group.get(`key ${i}`);
    assert(group.stats().main.bytes <= MAX_BYTES);
  }
  assert(group.stats().main.evictions > 0);
});

test("Group.peek() finds what is in memory, and counts nothing", async () => {
  const { group } = setUp({ load: () => "value" });
  assertEquals(group.peek("key"), undefined);
  await group.get("key");
  const before = group.stats();
  assertEquals(group.peek("key"), "value");
  assertEquals(group.stats().gets, before.gets);
  assertEquals(group.stats().main.gets, before.main.gets);
});

test("Group.set() replaces a value, for ttlMs", async () => {
  const { group, clock } = setUp({ ttlMs: 1000, load: () => "loaded" });
  assertEquals(await group.get("key"), "loaded");
  await group.set("key", "set");
  assertEquals(await group.get("key"), "set");
  await clock.advance(1000);
  assertEquals(await group.get("key"), "loaded");
});

test("Group.set() rejects a value that the codec refuses, and keeps the old one", async () => {
  const { group } = setUp({ load: () => "loaded" });
  await group.get("key");
  await assertRejects(() => group.set("key", 42 as unknown as string), TypeError);
  assertEquals(group.peek("key"), "loaded");
});

test("Group.remove() removes a value", async () => {
  let loads = 0;
  const { group } = setUp({ load: () => `load ${++loads}` });
  await group.get("key");
  await group.remove("key");
  assertEquals(group.peek("key"), undefined);
  assertEquals(await group.get("key"), "load 2");
});

for (const change of ["set", "remove"] as const) {
  test(`Group.${change}() beats a load in flight: its waiters get the value, the cache does not`, async () => {
    const { load, calls } = new ManualLoad();
    const { group } = setUp({ load });
    const before = group.get("key");
    if (change === "set") await group.set("key", "set");
    else await group.remove("key");
    calls[0]?.outcome.resolve("loaded before");
    assertEquals(await before, "loaded before");
    assertEquals(group.peek("key"), change === "set" ? "set" : undefined);
    const after = group.get("key");
    calls[1]?.outcome.resolve("loaded after");
    assertEquals(await after, change === "set" ? "set" : "loaded after");
  });
}

test("Group returns ByteViews if it has no codec, and takes text and bytes", async () => {
  await using cache = new GroupCache();
  const inputs = { text: "é", bytes: Uint8Array.of(195, 169), view: new ByteView("é") };
  const group = cache.group("views", {
    maxBytes: MAX_BYTES,
    load: (key) => inputs[key as keyof typeof inputs],
  });
  for (const key of Object.keys(inputs)) {
    const view = await group.get(key);
    assert(view instanceof ByteView);
    assertEquals(view.text(), "é");
    assertEquals((await group.get(key)).text(), "é");
  }
});

test("Group gives each caller its own bytes, and keeps none of the loader's", async () => {
  await using cache = new GroupCache();
  const ofLoader = Uint8Array.of(1, 2, 3);
  const group = cache.group("bytes", { maxBytes: MAX_BYTES, codec: bytes, load: () => ofLoader });
  const [one, two] = await Promise.all([group.get("key"), group.get("key")]);
  ofLoader.fill(9);
  one?.fill(8);
  assertEquals(two, Uint8Array.of(1, 2, 3));
  assertEquals(await group.get("key"), Uint8Array.of(1, 2, 3));
});

test("Group keeps none of the bytes that set() was given", async () => {
  await using cache = new GroupCache();
  const group = cache.group("bytes", { maxBytes: MAX_BYTES, codec: bytes, load: () => undefined });
  const given = Uint8Array.of(1, 2, 3);
  const done = group.set("key", given);
  given.fill(9);
  await done;
  assertEquals(await group.get("key"), Uint8Array.of(1, 2, 3));
});

test("Group returns the same frozen JSON value for as long as it is in memory", async () => {
  await using cache = new GroupCache();
  const group = cache.group("users", {
    maxBytes: MAX_BYTES,
    codec: json<{ roles: string[] }>(),
    load: () => ({ roles: ["admin"] }),
  });
  const [one, two] = await Promise.all([group.get("key"), group.get("key")]);
  assertStrictEquals(one, two);
  assert(Object.isFrozen(one) && Object.isFrozen(one.roles));
  const hit = await group.get("key");
  assertStrictEquals(await group.get("key"), hit);
  assertStrictEquals(group.peek("key"), hit);
});

/** A codec that can decode only what says so. */
const picky: Codec<string> = {
  encode: (value) => new ByteView(value),
  decode: (view) => {
    if (!view.text().startsWith("good")) throw new Error("not mine");
    return view.text();
  },
};

test("Group.get() fails with load-failed when the codec cannot decode what it encoded", async () => {
  await using cache = new GroupCache();
  let loads = 0;
  const load = () => `bad ${++loads}`;
  const group = cache.group("odd", { maxBytes: MAX_BYTES, codec: picky, load });
  assertEquals(await codeOf(group.get("key")), "load-failed");
  assertEquals(loads, 1);
  assertEquals(group.peek("key"), undefined);
  assertEquals(group.stats().main.items, 0);
});

test("A value that the codec can no longer decode is dropped, reported, and loaded once", async () => {
  await using cache = new GroupCache();
  let isOld = true;
  const loads: string[] = [];
  const codec: Codec<string> = {
    ...picky,
    decode: (view) => isOld ? view.text() : picky.decode(view),
  };
  const group = cache.group("odd", {
    maxBytes: MAX_BYTES,
    codec,
    load: (key) => {
      loads.push(key);
      return isOld ? "bad" : "good";
    },
  });
  await group.get("key");
  isOld = false;
  const reported: string[] = [];
  cache.addEventListener(
    "load-error",
    ({ key, error }) => reported.push(`${key} ${error.message}`),
  );
  assertEquals(await group.get("key"), "good");
  assertEquals(await group.get("key"), "good");
  assertEquals(loads, ["key", "key"]);
  assertEquals(reported, ['key Cannot decode "key" of group "odd": not mine']);
});

test("A value of a peer that the codec cannot decode is loaded here once, and not mirrored", async () => {
  await using cluster = new Cluster(2);
  const loads = [0, 0];
  const groups = cluster.caches.map((cache, index) =>
    cache.group("odd", {
      maxBytes: MAX_BYTES,
      codec: index === 0 ? { ...picky, decode: (view) => view.text() } : picky,
      mirrorMinuteQps: 0,
      load: () => {
        loads[index] = (loads[index] as number) + 1;
        return index === 0 ? "bad" : "good";
      },
    })
  );
  const [old, now] = groups as [Group<string>, Group<string>];
  const keys = Array.from({ length: 20 }, (_, i) => `key ${i}`);
  for (const key of keys) await old.get(key);
  const values = await Promise.all([...keys, ...keys].map((key) => now.get(key)));
  assertEquals(new Set(values), new Set(["good"]));
  assertEquals(loads[1], 20);
  for (const key of keys) assertEquals(await now.get(key), "good");
  assertEquals(loads[1], 20);
});

test("A decode that calls set() does not leave its old value behind", async () => {
  await using cache = new GroupCache();
  let isSetting = false;
  const codec: Codec<string> = {
    ...text,
    decode: (view) => {
      if (isSetting) {
        isSetting = false;
        void group.set("key", "new");
      }
      return view.text();
    },
    decodedBytes: (value) => value.length,
  };
  const load = () => "old";
  const group: Group<string> = cache.group("texts", { maxBytes: MAX_BYTES, codec, load });
  await group.get("key");
  isSetting = true;
  assertEquals(await group.get("key"), "old");
  assertEquals(await group.get("key"), "new");
  assertEquals(group.peek("key"), "new");
});

test("A decodedBytes that is not a number keeps nothing decoded, and empties no group", async () => {
  for (const bytes of [NaN, -1, Infinity, "10" as unknown as number]) {
    await using cache = new GroupCache();
    const codec = { ...text, decodedBytes: () => bytes };
    const group = cache.group("texts", { maxBytes: MAX_BYTES, codec, load: (key) => key });
    const keys = Array.from({ length: 50 }, (_, i) => `key ${i}`);
    for (let round = 0; round < 3; round++) {
      for (const key of keys) assertEquals(await group.get(key), key);
    }
    const { main } = group.stats();
    assertEquals(main.items, 50);
    assert(main.bytes > 0 && main.bytes <= MAX_BYTES, `${main.bytes} bytes`);
  }
});

test("A ttlMs that returns text fails the load, and does not keep the value forever", async () => {
  await using cache = new GroupCache();
  const ttlMs = (() => "1000") as unknown as () => number;
  const group = cache.group("texts", {
    maxBytes: MAX_BYTES,
    codec: text,
    ttlMs,
    load: (key) => key,
  });
  assertEquals(await codeOf(group.get("key")), "load-failed");
  assertEquals(group.peek("key"), undefined);
});

test("A mirror of a value that never expires is served until it is dropped", async () => {
  await using cluster = new Cluster(2);
  const groups = cluster.caches.map((cache) =>
    cache.group("texts", {
      maxBytes: MAX_BYTES,
      codec: text,
      mirrorMinuteQps: 0,
      mirrorTtlMs: Infinity,
      load: (key) => key,
    })
  );
  const keys = Array.from({ length: 20 }, (_, i) => `key ${i}`);
  for (const group of groups) for (const key of keys) await group.get(key);
  await cluster.clock.advance(1e9);
  for (const group of groups) for (const key of keys) assertEquals(group.peek(key), key);
});

test("Group.set() beats a load in flight at the key's owner", async () => {
  await using cluster = new Cluster(2);
  const held = Promise.withResolvers<string>();
  const groups = cluster.caches.map((cache) =>
    cache.group("texts", { maxBytes: MAX_BYTES, codec: text, load: () => held.promise })
  ) as [Group<string>, Group<string>];
  const loads = groups.map((group) => group.get("key"));
  await cluster.clock.advance(0);
  await groups[0].set("key", "set");
  await groups[1].set("key", "set last");
  held.resolve("loaded");
  await cluster.clock.until(Promise.all(loads));
  for (const group of groups) assertEquals(await group.get("key"), "set last");
});

test("GroupCache reports a loader's failure, but not a value that does not exist", async () => {
  const { cache, group } = setUp({
    load: (key) => {
      if (key === "absent") return undefined;
      throw new Error("down");
    },
  });
  const told: string[] = [];
  cache.addEventListener("load-error", ({ group, key, error }) => {
    told.push(`${group} ${key} ${error.code}`);
  });
  await group.get("absent").catch(() => {});
  await group.get("broken").catch(() => {});
  assertEquals(told, ["texts broken load-failed"]);
  assertEquals(group.stats().localLoadErrors, 1);
});
