import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type Group,
  GroupCache,
  GroupCacheError,
  type GroupOptions,
  type LoadMany,
  text,
} from "../mod.ts";
import { Cluster } from "../lib/testing/mod.ts";
import { test } from "./runtime.ts";

const texts: GroupOptions<string> & { codec: typeof text } = {
  maxBytes: 1 << 20,
  codec: text,
  load: (key) => {
    if (key.startsWith("absent")) return undefined;
    if (key.startsWith("broken")) throw new Error(`${key} is broken`);
    return `value of ${key}`;
  },
};

/** A loadMany that remembers its calls. */
function recorder(loadMany: LoadMany<string>) {
  const calls: { keys: readonly string[]; signal: AbortSignal }[] = [];
  const record: LoadMany<string> = (keys, context) => {
    calls.push({ keys, signal: context.signal });
    return loadMany(keys, context);
  };
  return { calls, loadMany: record };
}

function valuesOf(keys: readonly string[]): Map<string, string> {
  return new Map(keys.map((key) => [key, `many ${key}`]));
}

test("Group.getMany() returns values in the order of the keys, without those that do not exist", async () => {
  await using cache = new GroupCache();
  const group = cache.group("texts", texts);
  await group.get("c");
  const values = await group.getMany(["b", "absent", "c", "a", "b"]);
  assertEquals([...values], [["b", "value of b"], ["c", "value of c"], ["a", "value of a"]]);
  assertEquals((await group.getMany([])).size, 0);
});

test("Group.getMany() takes any iterable, and asks once for a duplicate key", async () => {
  await using cache = new GroupCache();
  const group = cache.group("texts", texts);
  function* keys(): Generator<string> {
    yield* ["a", "b", "a"];
  }
  assertEquals([...(await group.getMany(keys())).keys()], ["a", "b"]);
  assertEquals(group.stats().gets, 2);
});

test("Group.getMany() rejects with the failure of a key", async () => {
  await using cache = new GroupCache();
  const group = cache.group("texts", texts);
  const error = await assertRejects(() => group.getMany(["a", "broken", "absent"]));
  assert(error instanceof GroupCacheError && error.code === "load-failed");
});

test("Group.getMany() settles each key separately if asked to", async () => {
  await using cache = new GroupCache();
  const group = cache.group("texts", texts);
  const outcomes = await group.getMany(["broken", "a", "absent"], { settled: true });
  assertEquals([...outcomes.keys()], ["broken", "a"]);
  assertEquals(outcomes.get("a"), { status: "fulfilled", value: "value of a" });
  const broken = outcomes.get("broken");
  assert(broken?.status === "rejected" && broken.reason.code === "load-failed");
});

const notIterable: { name: string; keys: unknown }[] = [
  { name: "a string", keys: "abc" },
  { name: "null", keys: null },
  { name: "a bad key among good ones", keys: ["a", ""] },
  { name: "a key that is no string", keys: ["a", 42] },
];

for (const { name, keys } of notIterable) {
  test(`Group.getMany() refuses ${name} with a TypeError, and asks for nothing`, async () => {
    await using cache = new GroupCache();
    const group = cache.group("texts", texts);
    await assertRejects(() => group.getMany(keys as string[]), TypeError);
    assertEquals(group.stats().gets, 0);
  });
}

test("Group.getMany() ends with its caller's signal", async () => {
  await using cache = new GroupCache();
  const group = cache.group("texts", { ...texts, load: () => new Promise<string>(() => {}) });
  const leaver = new AbortController();
  const leaving = group.getMany(["a", "b"], { signal: leaver.signal });
  leaver.abort(new Error("had enough"));
  await assertRejects(() => leaving, Error, "had enough");
});

test("loadMany gets the misses of one turn in one call, including those of single gets", async () => {
  await using cache = new GroupCache();
  const { calls, loadMany } = recorder(valuesOf);
  const group = cache.group("texts", { ...texts, loadMany });
  await group.get("present");
  const single = group.get("d");
  const many = group.getMany(["a", "present", "b", "c", "d"]);
  assertEquals(await single, "many d");
  assertEquals([...(await many).values()], [
    "many a",
    "value of present",
    "many b",
    "many c",
    "many d",
  ]);
  assertEquals(calls.map(({ keys }) => keys), [["d", "a", "b", "c"]]);
  assertEquals(group.peek("a"), "many a", "what it brought is kept");
  assertEquals(group.stats().localLoads, 5);
});

test("A single miss goes to load, not to loadMany", async () => {
  await using cache = new GroupCache();
  const { calls, loadMany } = recorder(valuesOf);
  const group = cache.group("texts", { ...texts, loadMany });
  assertEquals(await group.get("a"), "value of a");
  assertEquals(calls, []);
});

test("loadMany's result may lack keys, and fail keys one by one", async () => {
  await using cache = new GroupCache();
  const { loadMany } = recorder((keys) => {
    const values = new Map<string, string | Error>(valuesOf(keys));
    values.delete("lacking");
    values.set("failed", new Error("this one"));
    return values;
  });
  const group = cache.group("texts", { ...texts, loadMany });
  const outcomes = await group.getMany(["a", "lacking", "failed"], { settled: true });
  assertEquals([...outcomes.keys()], ["a", "failed"]);
  const failed = outcomes.get("failed");
  assert(failed?.status === "rejected" && failed.reason.message.endsWith(": this one"));
});

const badResults: { name: string; loadMany: LoadMany<string> }[] = [
  { name: "returns no Map", loadMany: () => undefined as unknown as Map<string, string> },
  {
    name: "returns values of a wrong type",
    loadMany: () => new Map([["a", 1], ["b", 2]]) as never,
  },
];

for (const { name, loadMany } of badResults) {
  test(`When loadMany ${name} all its keys fail, and are free again`, async () => {
    await using cache = new GroupCache();
    const group = cache.group("texts", { ...texts, loadMany });
    const outcomes = await group.getMany(["a", "b"], { settled: true });
    for (const outcome of outcomes.values()) {
      assert(outcome.status === "rejected" && outcome.reason.code === "load-failed");
    }
    assertEquals(outcomes.size, 2);
    assertEquals(await group.get("a"), "value of a");
  });
}

const THROWS: { name: string; fail: () => never | Promise<never> }[] = [
  { name: "rejects", fail: () => Promise.reject(new Error("bad key")) },
  {
    name: "throws",
    fail: () => {
      throw new Error("bad key");
    },
  },
];

for (const { name, fail } of THROWS) {
  test(`A key at which loadMany ${name} fails alone`, async () => {
    await using cache = new GroupCache();
    const keys = Array.from({ length: 100 }, (_, i) => `key ${i}`);
    let isFailing = true;
    const check = (asked: readonly string[]) => isFailing && asked.includes("key 37");
    const { calls, loadMany } = recorder((asked) => check(asked) ? fail() : valuesOf(asked));
    const group = cache.group("texts", {
      ...texts,
      load: (key) => check([key]) ? fail() : `value of ${key}`,
      loadMany,
    });
    const outcomes = await group.getMany(keys, { settled: true });
    const failed = [...outcomes].filter(([, { status }]) => status === "rejected");
    assertEquals(failed.map(([key]) => key), ["key 37"]);
    assert(calls.length <= 1 + 2 * Math.ceil(Math.log2(100)), `${calls.length} calls`);
    isFailing = false;
    assertEquals(await group.get("key 37"), "value of key 37");
  });
}

test("loadMany is called a few times only when all its calls fail", async () => {
  await using cache = new GroupCache();
  let loads = 0;
  const { calls, loadMany } = recorder(() => Promise.reject(new Error("the origin is down")));
  const group = cache.group("texts", {
    ...texts,
    load: () => {
      loads++;
      throw new Error("the origin is down");
    },
    loadMany,
  });
  const keys = Array.from({ length: 1000 }, (_, i) => `key ${i}`);
  const outcomes = await group.getMany(keys, { settled: true });
  assert([...outcomes.values()].every(({ status }) => status === "rejected"));
  assert(calls.length + loads <= 21, `${calls.length} calls, ${loads} loads`);
});

test("A call of loadMany has at most maxLoadKeys keys", async () => {
  await using cache = new GroupCache();
  const { calls, loadMany } = recorder(valuesOf);
  const group = cache.group("texts", { ...texts, loadMany, maxLoadKeys: 40 });
  const keys = Array.from({ length: 100 }, (_, i) => `key ${i}`);
  assertEquals((await group.getMany(keys)).size, 100);
  assertEquals(calls.map(({ keys }) => keys.length), [40, 40, 20]);
});

test("loadMany is not asked for keys whose callers left in the same turn", async () => {
  await using cache = new GroupCache();
  const { calls, loadMany } = recorder(valuesOf);
  const group = cache.group("texts", { ...texts, loadMany });
  const leaver = new AbortController();
  const left = Promise.allSettled(
    ["a", "b"].map((key) => group.get(key, { signal: leaver.signal })),
  );
  leaver.abort(new Error("left"));
  await left;
  assertEquals(calls, []);
  const mixed = [group.get("a", { signal: new AbortController().signal }), group.get("b")];
  const second = new AbortController();
  const third = group.get("c", { signal: second.signal }).catch((error) => error);
  second.abort("gone");
  await Promise.all(mixed);
  assertEquals(await third, "gone");
  assertEquals(calls.map(({ keys }) => keys), [["a", "b"]]);
});

test("getMany() rejects when its caller leaves, though it is told of each key", async () => {
  await using cache = new GroupCache();
  const group = cache.group("texts", { ...texts, load: () => new Promise<string>(() => {}) });
  const leaver = new AbortController();
  const many = group.getMany(["a", "b"], { settled: true, signal: leaver.signal });
  leaver.abort("left");
  assertEquals(await many.then(() => "resolved", (reason) => reason), "left");
});

test("loadMany's signal aborts when the last caller for any of its keys has left", async () => {
  await using cache = new GroupCache();
  const { calls, loadMany } = recorder(() => new Promise(() => {}));
  const group = cache.group("texts", { ...texts, loadMany });
  const leavers = [new AbortController(), new AbortController()];
  const settled = Promise.allSettled(
    leavers.map(({ signal }, index) => group.get(`key ${index}`, { signal })),
  );
  await Promise.resolve();
  leavers[0]?.abort();
  assertEquals(calls[0]?.signal.aborted, false);
  leavers[1]?.abort();
  assertEquals(calls[0]?.signal.aborted, true);
  await settled;
});

test("Group.getMany() asks each owner once, and the owner loads once", async () => {
  await using cluster = new Cluster(3, { handoffMs: 0 });
  const nodes = cluster.caches.map((cache) => {
    const { calls, loadMany } = recorder(valuesOf);
    return { calls, group: cache.group("texts", { ...texts, loadMany }) };
  });
  const [{ group }] = nodes as [typeof nodes[0]];
  const keys = Array.from({ length: 300 }, (_, index) => `key ${index}`);
  // So that the others are known to take batches.
  for (const key of keys.slice(0, 10)) await group.get(`first ${key}`);
  const before = [1, 2].map((index) => cluster.requestsTo(index));
  const values = await group.getMany(keys);
  assertEquals([...values], [...valuesOf(keys)]);
  assertEquals([1, 2].map((index) => cluster.requestsTo(index)), before.map((count) => count + 1));
  assertEquals(nodes.map(({ calls }) => calls.length), [1, 1, 1]);
  assertEquals(nodes.flatMap(({ calls }) => calls.flatMap(({ keys }) => keys)).length, 300);
});

test("Group.getMany() of more keys than may wait for a peer is not refused for that", async () => {
  await using cluster = new Cluster(2, { limits: { maxQueued: 100 } });
  const [group] = cluster.caches.map((cache) => cache.group("texts", texts)) as [Group<string>];
  const keys = Array.from({ length: 1000 }, (_, i) => `key ${i}`);
  assertEquals((await cluster.clock.until(group.getMany(keys))).size, 1000);
});
