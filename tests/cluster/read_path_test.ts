import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { type Group, type GroupOptions, type Load, rendezvous, text } from "../../mod.ts";
import { Cluster, type Fault } from "../../lib/testing/mod.ts";
import { ODD_KEYS } from "../odd_keys.ts";
import { failureOf } from "../failures.ts";
import { test } from "../runtime.ts";

const MAX_BYTES = 1 << 20;
const noMirrors: Partial<GroupOptions<string>> = { mirrorMinuteQps: Infinity };
const allMirrors: Partial<GroupOptions<string>> = { mirrorMinuteQps: 0 };

interface SetUp {
  cluster: Cluster;
  groups: Group<string>[];
  /** Which process ran the loader, in order. */
  loads: { process: number; key: string }[];
}

/** A cluster with one group of texts, all processes with the same loader. */
function setUp(
  size: number,
  load: Load<string> = (key) => `value of ${key}`,
  options: Partial<GroupOptions<string>> = noMirrors,
): SetUp {
  // Where nothing changes nobody looks for values that have moved.
  const cluster = new Cluster(size, { handoffMs: 0 });
  const loads: SetUp["loads"] = [];
  const groups = cluster.caches.map((cache, process) =>
    cache.group("texts", {
      maxBytes: MAX_BYTES,
      codec: text,
      ...options,
      load: (key, context) => {
        loads.push({ process, key });
        return load(key, context);
      },
    })
  );
  return { cluster, groups, loads };
}

/** The processes in the order in which they stand in for each other for `key`. */
function orderOf(
  { cluster }: SetUp,
  key: string,
): [owner: number, successor: number, third: number, ...others: number[]] {
  const ranking = [...rendezvous().rank(cluster.urls)(key)];
  return ranking.map((url) => cluster.urls.indexOf(url)) as [number, number, number];
}

function at<T>(list: readonly T[], index: number): T {
  const element = list.at(index);
  if (element === undefined) throw new RangeError(`no element ${index}`);
  return element;
}

test("A key asked for in all processes at once is loaded once, by its owner", async () => {
  const outcome = Promise.withResolvers<string>();
  const { cluster, groups, loads } = setUp(3, () => outcome.promise);
  const waits = groups.flatMap((group) => Array.from({ length: 100 }, () => group.get("key")));
  await cluster.clock.advance(0);
  assertEquals(loads.length, 1);
  outcome.resolve("value");
  assertEquals(new Set(await cluster.clock.until(Promise.all(waits))), new Set(["value"]));
  assertEquals(loads.length, 1);
  await cluster[Symbol.asyncDispose]();
  assertEquals(cluster.clock.pendingTimers, 0);
});

test("Processes agree on owners, and all of them own some keys", async () => {
  const { groups, loads } = setUp(3);
  for (let i = 0; i < 60; i++) {
    for (const group of groups) assertEquals(await group.get(`key ${i}`), `value of key ${i}`);
  }
  assertEquals(loads.length, 60, "every key was loaded once");
  assertEquals(new Set(loads.map(({ process }) => process)), new Set([0, 1, 2]));
});

const LONG_TEXT = { name: "long text with spaces", key: "long ".repeat(12 * 1024) };

for (const { name, key } of [...ODD_KEYS, LONG_TEXT]) {
  test(`A key that is ${name} arrives unchanged in get, set and remove`, async () => {
    const { groups, loads, cluster } = setUp(3);
    for (const group of groups) assertEquals(await group.get(key), `value of ${key}`);
    assertEquals(loads.map(({ key }) => key), [key]);
    for (const group of groups) {
      await group.set(key, "set");
      for (const other of groups) assertEquals(await other.get(key), "set");
      await group.remove(key);
      assert(groups.every((group) => group.peek(key) === undefined));
    }
    await cluster[Symbol.asyncDispose]();
  });
}

const faults: { name: string; fault: Fault }[] = [
  { name: "refuses connections", fault: "refuse" },
  { name: "never answers", fault: "hang" },
  { name: "answers garbage", fault: "garbage" },
  { name: "breaks off half-way", fault: "cut" },
  { name: "is slower than the peer timeout", fault: { delayMs: 20_000 } },
];

for (const { name, fault } of faults) {
  test(`When the owner ${name} its successor loads once for all callers`, async () => {
    const setup = setUp(4);
    const { cluster, groups, loads } = setup;
    const [owner, successor, ...others] = orderOf(setup, "key");
    const asker = at(groups, at(others, 0));
    const errorsBefore = asker.stats().peerErrors;
    cluster.setFault(owner, fault);
    const failures: string[] = [];
    for (const cache of cluster.caches) {
      cache.addEventListener("peer-error", ({ peer, error }) => {
        failures.push(`${peer} ${error.code}`);
      });
    }
    const waits = [successor, ...others].map((process) => at(groups, process).get("key"));
    const values = await cluster.clock.until(Promise.all(waits));
    assertEquals(new Set(values), new Set(["value of key"]));
    const loaders = loads.map(({ process }) => process).filter((process) => process !== owner);
    assertEquals(loaders, [successor]);
    assertEquals(new Set(failures), new Set([`${at(cluster.urls, owner)} peer-failed`]));
    assertEquals(asker.stats().peerErrors - errorsBefore, 1);
    assertEquals(cluster.clock.pendingTimers, 0);
    await cluster[Symbol.asyncDispose]();
  });
}

test("When no peer can be asked the process loads for itself", async () => {
  const setup = setUp(3);
  const { cluster, groups, loads } = setup;
  const [owner, successor, last] = orderOf(setup, "key");
  cluster.setFault(owner, "hang");
  cluster.setFault(successor, "refuse");
  const value = await cluster.clock.until(at(groups, last).get("key"));
  assertEquals(value, "value of key");
  assertEquals(loads, [{ process: last, key: "key" }]);
  assertEquals(await at(groups, last).get("key"), "value of key", "and keeps it");
});

test("A healed owner is asked again", async () => {
  const setup = setUp(3);
  const { cluster, groups, loads } = setup;
  const [owner, , last] = orderOf(setup, "key");
  cluster.setFault(owner, "refuse");
  await at(groups, last).get("key");
  cluster.setFault(owner, undefined);
  await at(groups, last).get("key");
  assertEquals(at(loads, -1).process, owner);
});

const loaderFailures: { name: string; load: Load<string>; code: string }[] = [
  { name: "fails", load: () => Promise.reject(new Error("down")), code: "load-failed" },
  { name: "finds nothing", load: () => undefined, code: "not-found" },
];

for (const { name, load, code } of loaderFailures) {
  test(`When the owner's loader ${name} the caller gets the error, and no other process loads`, async () => {
    const setup = setUp(3);
    const { cluster, groups } = setup;
    const [owner, , last] = orderOf(setup, "key");
    const failing = setUp(3, load);
    const error = await failureOf(at(failing.groups, last).get("key"));
    assertEquals(error.code, code);
    // What the loader says is for peers that prove themselves.
    assertEquals(error.message, `Cannot load "key": ${code}`);
    assertEquals(error.stack?.includes("loader"), false);
    assertEquals(failing.loads, [{ process: owner, key: "key" }]);
    assertEquals(at(failing.groups, last).stats().peerErrors, 0);
    assertEquals(groups.length, cluster.urls.length);
  });
}

test("A failure of the owner's loader after the reply began is the same failure", async () => {
  const outcome = Promise.withResolvers<string>();
  const { cluster, groups, loads } = setUp(2, () => outcome.promise);
  const errors = groups.map((group) => failureOf(group.get("key")));
  await cluster.clock.advance(5000);
  outcome.reject(new Error("late"));
  for (const error of errors) {
    assertEquals((await cluster.clock.until(error)).code, "load-failed");
  }
  assertEquals(loads.length, 1);
});

test("A load that is slower than the peer timeout is waited for, and loaded once", async () => {
  const outcome = Promise.withResolvers<string>();
  const { cluster, groups, loads } = setUp(3, () => outcome.promise, { loadTimeoutMs: Infinity });
  const waits = groups.map((group) => group.get("key"));
  await cluster.clock.advance(60_000);
  outcome.resolve("at last");
  assertEquals(await cluster.clock.until(Promise.all(waits)), ["at last", "at last", "at last"]);
  assertEquals(loads.length, 1);
  assertEquals(cluster.clock.pendingTimers, 0);
});

test("Slow loads do not delay other keys, however many there are", async () => {
  const cluster = new Cluster(2, { limits: { maxFetches: 2, maxBatches: 2 } });
  const groups = cluster.caches.map((cache) =>
    cache.group("texts", {
      maxBytes: MAX_BYTES,
      codec: text,
      ...noMirrors,
      load: (key) => key.startsWith("slow") ? new Promise(() => {}) : `value of ${key}`,
    })
  );
  for (let i = 0; i < 20; i++) {
    at(groups, 0).get(`slow ${i}`).catch(() => {});
    await cluster.clock.advance(0);
  }
  await cluster.clock.advance(1000);
  const quick = Array.from({ length: 20 }, (_, i) => at(groups, 0).get(`quick ${i}`));
  let answered = 0;
  for (const value of quick) value.then(() => answered++);
  await cluster.clock.advance(100);
  assertEquals(answered, 20);
  await cluster[Symbol.asyncDispose]();
});

test("A load that never settles ends after loadTimeoutMs for callers in all processes", async () => {
  const { cluster, groups, loads } = setUp(3, () => new Promise(() => {}), {
    loadTimeoutMs: 60_000,
  });
  const errors = groups.map((group) => failureOf(group.get("key")));
  const [first, ...others] = await cluster.clock.until(Promise.all(errors));
  assertEquals(first?.code, "timeout");
  assert(others.every((error) => error.code === "timeout"));
  assertEquals(loads.length, 1, "a load that is too slow is not tried by the next peer");
  assertEquals(cluster.clock.pendingTimers, 0);
});

test("An owner gives up a load at the asker's loadTimeoutMs, if that comes first", async () => {
  const cluster = new Cluster(2);
  const signals: AbortSignal[] = [];
  const groups = [60_000, 5000].map((loadTimeoutMs, process) =>
    at(cluster.caches, process).group("texts", {
      maxBytes: MAX_BYTES,
      codec: text,
      loadTimeoutMs,
      load: (_key, { signal }) => {
        if (process === 0) signals.push(signal);
        return new Promise(() => {});
      },
    })
  );
  // Some key that the patient process owns.
  const errors = Array.from({ length: 10 }, (_, i) => failureOf(at(groups, 1).get(`key ${i}`)));
  await cluster.clock.advance(4999);
  assert(signals.length > 0 && signals.every(({ aborted }) => !aborted));
  await cluster.clock.advance(1);
  assert(signals.every(({ aborted }) => aborted));
  for (const error of errors) {
    assertEquals((await cluster.clock.until(error)).code, "timeout");
  }
});

for (const afterMs of [0, 50, 5000]) {
  test(`The owner's load is aborted when the last waiter leaves after ${afterMs} ms`, async () => {
    const signals: AbortSignal[] = [];
    const setup = setUp(3, (_key, { signal }) => {
      signals.push(signal);
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
      });
    });
    const { cluster, groups, loads } = setup;
    const leavers = groups.map(() => new AbortController());
    const settled = Promise.allSettled(
      groups.map((group, process) => group.get("key", { signal: at(leavers, process).signal })),
    );
    await cluster.clock.advance(afterMs);
    assertEquals(loads.length, 1);
    at(leavers, 0).abort();
    at(leavers, 2).abort();
    await cluster.clock.advance(1000);
    assert(!at(signals, 0).aborted, "one still waits");
    at(leavers, 1).abort();
    await cluster.clock.advance(1000);
    assert(at(signals, 0).aborted);
    assert((await settled).every(({ status }) => status === "rejected"));
    assertEquals(loads.length, 1);
    assertEquals(cluster.clock.pendingTimers, 0);
    assertEquals(groups.map((group) => group.stats().peerErrors), [0, 0, 0]);
  });
}

test("A request from a peer is never forwarded, whatever the peers' lists", async () => {
  const { cluster, groups, loads } = setUp(2);
  // Each believes that the other owns what it does not, and half of the keys besides.
  const [first, second] = [at(cluster.caches, 0), at(cluster.caches, 1)];
  first.setPeers([at(cluster.urls, 0), at(cluster.urls, 1)]);
  second.setPeers([at(cluster.urls, 1), "http://peer-9:8080"]);
  for (let i = 0; i < 20; i++) {
    assertEquals(await at(groups, 0).get(`key ${i}`), `value of key ${i}`);
  }
  const served = at(groups, 1).stats();
  assert(served.serverRequests > 0);
  assertEquals(served.peerErrors + served.peerLoads, 0, "the second asked nobody");
  assertEquals(loads.length, 20);
});

test("Two processes that each take the other for a key's owner answer each other", async () => {
  const outcome = Promise.withResolvers<string>();
  // Rankings that differ: each puts the other first.
  const cluster = new Cluster(2, {
    placement: { name: "backwards", rank: (peers) => () => [...peers].reverse() },
  });
  at(cluster.caches, 0).setPeers([at(cluster.urls, 0), at(cluster.urls, 1)]);
  at(cluster.caches, 1).setPeers([at(cluster.urls, 1), at(cluster.urls, 0)]);
  let loads = 0;
  const groups = cluster.caches.map((cache) =>
    cache.group("texts", {
      maxBytes: MAX_BYTES,
      codec: text,
      load: () => {
        loads++;
        return outcome.promise;
      },
    })
  );
  const waits = Promise.all(groups.map((group) => group.get("key")));
  await cluster.clock.advance(0);
  outcome.resolve("value");
  assertEquals(await cluster.clock.until(waits), ["value", "value"]);
  assertEquals(loads, 2, "no agreement, no sharing; but no circle either");
});

test("A group that the owner does not have yet is loaded by the next process", async () => {
  const cluster = new Cluster(2);
  const group = at(cluster.caches, 0).group("new", {
    maxBytes: MAX_BYTES,
    codec: text,
    load: (key) => `value of ${key}`,
  });
  for (let i = 0; i < 10; i++) assertEquals(await group.get(`key ${i}`), `value of key ${i}`);
  assertEquals(group.stats().localLoads, 10);
  assert(cluster.requestsTo(1) > 0);
});

test("A mirror answers in its process for a minute, and then its owner is asked again", async () => {
  const setup = setUp(2, undefined, allMirrors);
  const { cluster, groups } = setup;
  const asked = () => at(groups, 1).stats().serverRequests;
  const keys = Array.from({ length: 10 }, (_, i) => `key ${i}`);
  const getAll = () => Promise.all(keys.map((key) => at(groups, 0).get(key)));
  await getAll();
  const before = asked();
  assert(before > 0);
  await cluster.clock.advance(59_999);
  await getAll();
  assertEquals(asked(), before);
  const { hot } = at(groups, 0).stats();
  assertEquals([hot.items, hot.hits], [before, before]);
  await cluster.clock.advance(1);
  await getAll();
  assertEquals(asked(), 2 * before);
});

test("The mirrors of a group take at most an eighth of its maxBytes", async () => {
  const { groups } = setUp(2, (key) => key.repeat(200), allMirrors);
  for (let i = 0; i < 2000; i++) await at(groups, 0).get(`key ${i}`);
  const { main, hot } = at(groups, 0).stats();
  assert(hot.items > 0 && hot.bytes <= MAX_BYTES / 8);
  assert(main.bytes + hot.bytes <= MAX_BYTES);
});

test("Group.set() is visible in all processes, mirrors included", async () => {
  const { groups } = setUp(3, undefined, allMirrors);
  for (const [index, group] of groups.entries()) {
    for (const other of groups) await other.get("key");
    await group.set("key", `set ${index}`);
    for (const other of groups) assertEquals(await other.get("key"), `set ${index}`);
  }
});

test("Group.set() goes to the successor when the owner is down, and names the peer not told", async () => {
  const setup = setUp(3);
  const { cluster, groups } = setup;
  const [owner, successor, last] = orderOf(setup, "key");
  cluster.setFault(owner, "refuse");
  const error = await failureOf(at(groups, last).set("key", "set"));
  assertEquals(error.code, "peer-failed");
  assert(error.message.includes(at(cluster.urls, owner)), error.message);
  assertEquals(at(groups, successor).peek("key"), "set");
  assertEquals(await at(groups, last).get("key"), "set");
});

test("Group.remove() removes everywhere, and names the peer not told", async () => {
  const setup = setUp(3, undefined, allMirrors);
  const { cluster, groups } = setup;
  const [, successor, last] = orderOf(setup, "key");
  for (const group of groups) await group.get("key");
  cluster.setFault(successor, "refuse");
  const error = await failureOf(at(groups, last).remove("key"));
  assertEquals(error.code, "peer-failed");
  assert(error.message.includes(at(cluster.urls, successor)), error.message);
  assertEquals(groups.map((group) => group.peek("key")).filter((value) => value), [
    "value of key",
  ]);
  cluster.setFault(successor, undefined);
  await at(groups, last).remove("key");
  assertEquals(groups.map((group) => group.peek("key")), [undefined, undefined, undefined]);
});

for (const change of ["set", "remove"] as const) {
  test(`Group.${change}() drops what its process mirrored while the owner was being told`, async () => {
    const setup = setUp(2, undefined, allMirrors);
    const { cluster, groups } = setup;
    const [owner] = orderOf(setup, "key");
    const group = at(groups, 1 - owner);
    await group.get("key");
    cluster.setFault(owner, { delayMs: 1000 });
    const changed = change === "set" ? group.set("key", "set") : group.remove("key");
    await cluster.clock.advance(0);
    cluster.setFault(owner, undefined);
    assertEquals(await group.get("key"), "value of key", "the owner has not been told yet");
    await cluster.clock.until(changed);
    assertEquals(group.peek("key"), undefined);
  });
}

test("Group.remove() in one process beats a load in flight in another", async () => {
  const outcomes: PromiseWithResolvers<string>[] = [];
  const { cluster, groups } = setUp(3, () => {
    const outcome = Promise.withResolvers<string>();
    outcomes.push(outcome);
    return outcome.promise;
  }, allMirrors);
  const before = groups.map((group) => group.get("key"));
  await cluster.clock.advance(0);
  await cluster.clock.until(at(groups, 0).remove("key"));
  const after = groups.map((group) => group.get("key"));
  await cluster.clock.advance(0);
  at(outcomes, 0).resolve("old");
  assertEquals(await cluster.clock.until(Promise.all(before)), ["old", "old", "old"]);
  assertEquals(groups.map((group) => group.peek("key")), [undefined, undefined, undefined]);
  at(outcomes, 1).resolve("new");
  assertEquals(await cluster.clock.until(Promise.all(after)), ["new", "new", "new"]);
  assertEquals(outcomes.length, 2);
});

test("GroupCache.close() rejects waiting calls in its own process only", async () => {
  const setup = setUp(3);
  const [owner, successor, last] = orderOf(setup, "key");
  const outcomes: PromiseWithResolvers<string>[] = [];
  const { cluster, groups, loads } = setUp(3, () => {
    const outcome = Promise.withResolvers<string>();
    outcomes.push(outcome);
    return outcome.promise;
  });
  const ofOwner = failureOf(at(groups, owner).get("key"));
  const ofOthers = [successor, last].map((process) => at(groups, process).get("key"));
  await cluster.clock.advance(5000);
  await at(cluster.caches, owner).close();
  assertEquals((await cluster.clock.until(ofOwner)).code, "closed");
  await cluster.clock.advance(0);
  assertEquals(loads.map(({ process }) => process), [owner, successor]);
  at(outcomes, 1).resolve("value");
  assertEquals(await cluster.clock.until(Promise.all(ofOthers)), ["value", "value"]);
  assertEquals((await failureOf(at(groups, owner).get("key"))).code, "closed");
});

test("GroupCache.close() leaves no timer and no waiting call behind, whatever was in flight", async () => {
  const { cluster, groups } = setUp(3, () => new Promise(() => {}));
  cluster.setFault(0, "hang");
  const settled = Promise.allSettled(groups.flatMap((group, index) => [
    ...Array.from({ length: 10 }, (_, key) => group.get(`key ${key}`)),
    group.set(`set ${index}`, "value"),
    group.remove("removed"),
  ]));
  await cluster.clock.advance(500);
  await cluster[Symbol.asyncDispose]();
  await cluster[Symbol.asyncDispose]();
  await cluster.clock.advance(0);
  assertEquals(cluster.clock.pendingTimers, 0);
  for (const outcome of await settled) {
    if (outcome.status === "rejected") assertEquals(outcome.reason.code, "closed");
  }
});

test("GroupCache.setPeers() moves keys to processes that join, and away from those that leave", async () => {
  const { cluster, groups, loads } = setUp(3);
  const [first, second] = [at(cluster.caches, 0), at(cluster.caches, 1)];
  const two = cluster.urls.slice(0, 2);
  for (const cache of [first, second]) cache.setPeers(two);
  assertEquals(first.peers, two);
  const keys = Array.from({ length: 30 }, (_, i) => `key ${i}`);
  for (const key of keys) await at(groups, 0).get(key);
  assert(loads.every(({ process }) => process < 2));
  for (const cache of [first, second]) cache.setPeers(cluster.urls);
  loads.length = 0;
  for (const key of keys) await at(groups, 0).get(key);
  assert(loads.length > 0 && loads.every(({ process }) => process === 2));
});

test("GroupCache.setPeers() lets calls in flight to a removed process finish", async () => {
  const outcome = Promise.withResolvers<string>();
  const { cluster, groups, loads } = setUp(2, () => outcome.promise);
  const waits = Promise.all(["a", "b", "c", "d", "e"].map((key) => at(groups, 0).get(key)));
  await cluster.clock.advance(0);
  assert(loads.some(({ process }) => process === 1));
  at(cluster.caches, 0).setPeers([at(cluster.urls, 0)]);
  outcome.resolve("value");
  assertEquals(new Set(await cluster.clock.until(waits)), new Set(["value"]));
});

test("Values of another process arrive whole and immutable at every size", async () => {
  const sizes = [0, 1, 127, 128, 16 * 1024, 300_000];
  const { groups } = setUp(2, (key) => "é".repeat(Number(key)));
  for (const size of sizes) {
    for (const group of groups) assertStrictEquals((await group.get(String(size))).length, size);
  }
});
