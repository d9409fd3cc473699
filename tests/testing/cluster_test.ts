import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { text } from "../../lib/codec.ts";
import type { GroupCacheError } from "../../lib/errors.ts";
import type { Group } from "../../lib/group_api.ts";
import type { LoadContext } from "../../lib/group_api.ts";
import { Cluster, type ClusterOptions } from "../../lib/testing/cluster.ts";
import type { Fault } from "../../lib/testing/fault.ts";
import { test } from "../runtime.ts";

type Load = (index: number, key: string, context: LoadContext<string>) => string | Promise<string>;

/** A cluster of two, in which the first cache asks for what the second one owns. */
class Setup {
  readonly cluster: Cluster;
  readonly groups: Group<string>[];
  /** Why the first cache could not ask the second one. */
  readonly failures: string[] = [];

  constructor(load: Load = (index) => `loaded by ${index}`, options: ClusterOptions = {}) {
    this.cluster = new Cluster(2, { handoffMs: 0, ...options });
    this.groups = this.cluster.caches.map((cache, index) =>
      cache.group("values", {
        maxBytes: 1 << 20,
        codec: text,
        load: (key, context) => load(index, key, context),
      })
    );
    this.cluster.caches[0]?.addEventListener("peer-error", (event) => {
      this.failures.push(event.error.message);
    });
  }

  /** A key that the second cache owns. */
  async key(): Promise<string> {
    const owners = this.cluster.caches.map((cache, index) =>
      cache.group("owners", { maxBytes: 1 << 20, codec: text, load: () => String(index) })
    );
    for (let number = 0;; number++) {
      if (await owners[0]?.get(`key:${number}`) === "1") return `key:${number}`;
    }
  }

  get(key: string, signal?: AbortSignal): Promise<string> {
    const [group] = this.groups;
    if (group === undefined) throw new Error("there is no group");
    return group.get(key, signal === undefined ? {} : { signal });
  }
}

for (const size of [0, -1, 1.5, NaN, Infinity, "3"]) {
  test(`new Cluster(${JSON.stringify(size)}) is a RangeError`, () => {
    assertThrows(() => new Cluster(size as number), RangeError, `received ${size}`);
  });
}

test("Cluster connects its caches by distinct URLs, on one clock", async () => {
  await using cluster = new Cluster(3);
  assertEquals(cluster.caches.length, 3);
  assertEquals(new Set(cluster.urls).size, 3);
  for (const [index, cache] of cluster.caches.entries()) {
    assertEquals(cache.peers, cluster.urls);
    assertEquals(cache.stats().self, cluster.urls[index]);
  }
});

test("Cluster of one is a process without others", async () => {
  await using cluster = new Cluster(1);
  const group = cluster.caches[0]?.group("values", { maxBytes: 1 << 20, load: () => "hello" });
  assertEquals((await group?.get("key"))?.text(), "hello");
  assertEquals(cluster.requestsTo(0), 0);
});

test("Cluster passes requests between its caches, and counts them", async () => {
  const setup = new Setup();
  const key = await setup.key();
  const before = setup.cluster.requestsTo(1);
  assertEquals(await setup.get(key), "loaded by 1");
  assertEquals(setup.cluster.requestsTo(1), before + 1);
  assertEquals(setup.cluster.requestsTo(0), 0);
  assertEquals(setup.failures, []);
});

test("Clusters in one process are separate, although their URLs are the same", async () => {
  const one = new Setup(() => "of one");
  const other = new Setup(() => "of the other");
  assertEquals(one.cluster.urls, other.cluster.urls);
  const key = await one.key();
  assertEquals(await one.get(key), "of one");
  assertEquals(await other.get(key), "of the other");
  one.cluster.setFault(1, "refuse");
  await other.groups[0]?.remove(key);
});

const FAULTS: { fault: Fault; why: string; afterMs: number }[] = [
  { fault: "refuse", why: "connection refused", afterMs: 0 },
  { fault: "hang", why: "no sign of life for 3000 ms", afterMs: 3000 },
  { fault: "garbage", why: "Cannot read protobuf", afterMs: 0 },
  { fault: "cut", why: "connection reset", afterMs: 0 },
  { fault: { delayMs: 20_000 }, why: "no sign of life for 3000 ms", afterMs: 3000 },
];

const name = (fault: Fault) => typeof fault === "string" ? fault : "delay";

for (const { fault, why, afterMs } of FAULTS) {
  test(`Cluster.setFault() with "${name(fault)}" has the documented effect`, async () => {
    const setup = new Setup();
    const { clock } = setup.cluster;
    const key = await setup.key();
    const start = clock.now();
    setup.cluster.setFault(1, fault);
    assertEquals(await clock.until(setup.get(key)), "loaded by 0");
    assertEquals(setup.failures.length, 1);
    assert(setup.failures[0]?.includes(why), setup.failures[0]);
    assertEquals(clock.now() - start, afterMs);
    // What the network has delayed arrives, and is of no interest any more.
    await clock.advance(25_000);
    assertEquals(clock.pendingTimers, 0);
  });

  test(`Cluster.setFault() with undefined removes "${name(fault)}"`, async () => {
    const setup = new Setup();
    const key = await setup.key();
    setup.cluster.setFault(1, fault);
    setup.cluster.setFault(1, undefined);
    assertEquals(await setup.get(key), "loaded by 1");
    assertEquals(setup.failures, []);
  });

  test(`Cluster.setFault() with "${name(fault)}" leaves nothing behind of a slow load`, async () => {
    const loads: { index: number; signal: AbortSignal }[] = [];
    const setup = new Setup((index, _, { signal }) => {
      loads.push({ index, signal });
      return index === 0 ? "loaded by 0" : new Promise(() => {});
    });
    const { clock } = setup.cluster;
    const key = await setup.key();
    setup.cluster.setFault(1, fault);
    assertEquals(await clock.until(setup.get(key)), "loaded by 0");
    // The owner finds that its client has gone, at the latest when it shows life.
    await clock.advance(2000);
    const atOwner = loads.filter(({ index }) => index === 1);
    assert(atOwner.every(({ signal }) => signal.aborted));
    await clock.advance(25_000);
    assertEquals(clock.pendingTimers, 0);
  });
}

test("Cluster.setFault() with a delay delays replies, by the virtual clock", async () => {
  const setup = new Setup();
  const { clock } = setup.cluster;
  const key = await setup.key();
  setup.cluster.setFault(1, { delayMs: 500 });
  const start = clock.now();
  assertEquals(await clock.until(setup.get(key)), "loaded by 1");
  assertEquals(clock.now() - start, 500);
});

test("Cluster.setFault() affects requests of the other caches only", async () => {
  const setup = new Setup();
  const key = await setup.key();
  setup.cluster.setFault(1, "refuse");
  assertEquals(await setup.groups[1]?.get(key), "loaded by 1");
});

test("Cluster ends the load of a cache whose client has left", async () => {
  const signals: AbortSignal[] = [];
  const setup = new Setup((_, __, { signal }) => {
    signals.push(signal);
    return new Promise(() => {});
  });
  const { clock } = setup.cluster;
  const caller = new AbortController();
  const key = await setup.key();
  const call = setup.get(key, caller.signal).catch((error) => error);
  await clock.advance(5000);
  assertEquals(signals.map(({ aborted }) => aborted), [false]);
  const reason = new Error("I have to go");
  caller.abort(reason);
  assertStrictEquals(await call, reason);
  await clock.advance(0);
  assertEquals(signals.map(({ aborted }) => aborted), [true]);
  assertEquals(clock.pendingTimers, 0);
});

test("Cluster passes options on to its caches", async () => {
  const setup = new Setup(undefined, { peerTimeoutMs: 250, basePath: "/elsewhere/" });
  const { clock } = setup.cluster;
  const key = await setup.key();
  assertEquals(await setup.get(key), "loaded by 1");
  await setup.groups[0]?.remove(key);
  setup.cluster.setFault(1, "hang");
  const start = clock.now();
  assertEquals(await clock.until(setup.get(key)), "loaded by 0");
  assertEquals(clock.now() - start, 250);
});

for (const index of [-1, 2, 0.5]) {
  test(`Cluster throws a RangeError for the index ${index}`, async () => {
    await using cluster = new Cluster(2);
    assertThrows(() => cluster.setFault(index, "hang"), RangeError, `received ${index}`);
    assertThrows(() => cluster.requestsTo(index), RangeError, "there are 2");
  });
}

test("Cluster closes all its caches when it is disposed of", async () => {
  const setup = new Setup(() => new Promise(() => {}));
  const key = await setup.key();
  const waiting = setup.get(key).catch((error: GroupCacheError) => error.code);
  await setup.cluster.clock.advance(500);
  await setup.cluster[Symbol.asyncDispose]();
  assertEquals(await waiting, "closed");
  for (const group of setup.groups) await assertRejects(() => group.get(key), Error, "closed");
  await setup.cluster.clock.advance(2000);
  assertEquals(setup.cluster.clock.pendingTimers, 0);
});
