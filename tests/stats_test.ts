import { assert, assertEquals } from "@std/assert";
import { type Group, type GroupCache, type GroupOptions, text } from "../mod.ts";
import { newAnswerCounts, totalOf } from "../lib/stats.ts";
import { Cluster, type ClusterOptions } from "../lib/testing/mod.ts";
import { codeOf } from "./failures.ts";
import { test } from "./runtime.ts";

/** Three processes, and which of them owns "key". */
async function setUp(options: Partial<GroupOptions<string>> = {}, clusterOptions?: ClusterOptions) {
  const cluster = new Cluster(3, clusterOptions);
  const groups = cluster.caches.map((cache) =>
    cache.group("texts", {
      maxBytes: 1 << 20,
      codec: text,
      mirrorMinuteQps: Infinity,
      load: (key) => `value of ${key}`,
      ...options,
    })
  ) as Group<string>[];
  const probes = cluster.caches.map((cache) =>
    cache.group("probes", { maxBytes: 1 << 20, codec: text, load: (key) => key })
  );
  await probes[0]?.get("key");
  const owner = probes.findIndex((group) => group.peek("key") !== undefined);
  const asker = (owner + 1) % 3;
  return {
    cluster,
    owner: groups[owner] as Group<string>,
    asker: groups[asker] as Group<string>,
    ownerAt: owner,
    askerAt: asker,
  };
}

test("A get counts once, by where its answer came from, apart from what peers ask", async () => {
  const { owner, asker } = await setUp();
  await asker.get("key");
  await asker.get("key");
  await owner.get("key");
  assertEquals(asker.stats().answers, { ...newAnswerCounts(), peer: 2 });
  assertEquals(asker.stats().peerAnswers, newAnswerCounts());
  assertEquals(owner.stats().answers, { ...newAnswerCounts(), main: 1 });
  assertEquals(owner.stats().peerAnswers, { ...newAnswerCounts(), load: 1, main: 1 });
  assertEquals([asker.stats().gets, asker.stats().hits], [2, 0]);
  assertEquals([owner.stats().gets, owner.stats().hits], [1, 1]);
});

test("A get that a mirror answers counts as such", async () => {
  const { asker } = await setUp({ mirrorMinuteQps: 0 });
  await asker.get("key");
  await asker.get("key");
  assertEquals(asker.stats().answers, { ...newAnswerCounts(), peer: 1, mirror: 1 });
});

test("A get whose value the former owner still had counts as handed off", async () => {
  const { cluster, asker, askerAt, ownerAt } = await setUp();
  const keys = Array.from({ length: 30 }, (_, index) => `key ${index}`);
  for (const key of keys) await asker.get(key);
  const before = asker.stats();
  // What it owns from now on the one that has left the list still holds.
  cluster.caches[askerAt]?.setPeers(cluster.urls.filter((_, index) => index !== ownerAt));
  for (const key of keys) await cluster.clock.until(asker.get(key));
  const { answers, peekLoads } = asker.stats();
  assert(answers.handoff > 0, "some keys move");
  assertEquals(answers.handoff, peekLoads);
  assertEquals(answers.load, before.answers.load);
});

test("Gets without a value count by the reason", async () => {
  const { owner, asker } = await setUp({
    load: (key, { signal }) => {
      if (key.startsWith("missing")) return undefined;
      if (key.startsWith("broken")) throw new Error("the origin is down");
      return new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason))
      );
    },
  });
  const keys = ["missing 1", "missing 2", "broken 1", "broken 2", "broken 3"];
  for (const key of keys) {
    for (const group of [owner, asker]) await codeOf(group.get(key));
  }
  const controller = new AbortController();
  const left = asker.get("slow", { signal: controller.signal });
  controller.abort();
  await left.catch(() => {});
  const { answers, gets } = asker.stats();
  assertEquals(
    [answers.notFound, answers.error, answers.aborted, totalOf(answers)],
    [2, 3, 1, gets],
  );
  assertEquals(gets, 6);
});

test("A value that cannot be decoded counts as an error, wherever it came from", async () => {
  const broken = {
    encode: (value: string) => text.encode(value),
    decode: () => {
      throw new Error("not so");
    },
  };
  const { asker, owner } = await setUp({ codec: broken });
  for (const group of [asker, owner, owner]) {
    assertEquals(await codeOf(group.get("key")), "load-failed");
  }
  assertEquals(asker.stats().answers, { ...newAnswerCounts(), error: 1 });
  assertEquals(owner.stats().answers, { ...newAnswerCounts(), error: 2 });
});

test("Histograms hold one time for each get, answer of a peer and run of the loader", async () => {
  const { cluster, owner, asker, ownerAt } = await setUp({ mirrorMinuteQps: 0 });
  cluster.setFault(ownerAt, { delayMs: 40 });
  await cluster.clock.until(asker.get("key"));
  for (let i = 0; i < 99; i++) await asker.get("key");
  const { get, peer } = asker.stats().latencies;
  assertEquals([get.count, peer.count, get.buckets[0]], [100, 1, 99]);
  // One way there and back, or two where processes meet for the first time.
  assert(peer.sumMs === 40 || peer.sumMs === 80, `${peer.sumMs} ms`);
  assertEquals(get.sumMs, peer.sumMs);
  assertEquals(owner.stats().latencies.load.count, 1);
  assertEquals(owner.stats().latencies.get.count, 0);
});

test("stats() tells what a process thinks of its peers, and since when", async () => {
  const { cluster, asker, ownerAt, askerAt } = await setUp();
  const cache = cluster.caches[askerAt];
  const peer = () => cache?.stats().peers.find(({ url }) => url === cluster.urls[ownerAt]);
  assertEquals(peer(), {
    url: cluster.urls[ownerAt] as string,
    state: askerAt === 0 ? "up" : "unknown",
    sinceMs: 1_700_000_000_000,
    lastError: null,
    calls: askerAt === 0 ? 1 : 0,
    failures: 0,
    p50Ms: peer()?.p50Ms ?? null,
    p99Ms: peer()?.p99Ms ?? null,
    mismatches: [],
  });
  await cluster.clock.advance(1000);
  await asker.get("key");
  assertEquals(peer()?.state, "up");
  cluster.setFault(ownerAt, "refuse");
  for (let i = 0; i < 60; i++) await cluster.clock.until(asker.get(`key ${i}`));
  const down = peer();
  assertEquals(down?.state, "down");
  assertEquals(down?.sinceMs, cluster.clock.now());
  assertEquals(down?.lastError?.atMs, cluster.clock.now());
  assert(down?.lastError?.message.includes("connection refused"), down?.lastError?.message);
  assertEquals((down?.calls ?? 0) - (down?.failures ?? 0), askerAt === 0 ? 2 : 1);
});

test("The time that a failed peer took does not count against the one that stood in", async () => {
  const { cluster, asker, ownerAt, askerAt } = await setUp();
  cluster.setFault(ownerAt, { delayMs: 5000 });
  await cluster.clock.until(asker.get("key"));
  const slowest = cluster.caches[askerAt]?.stats().peers
    .filter(({ url }) => url !== cluster.urls[ownerAt])
    .map(({ p99Ms }) => p99Ms ?? 0);
  assert(slowest?.every((ms) => ms < 100), `${slowest}`);
});

test("stats() names the process, its run and whether it serves", async () => {
  const { cluster } = await setUp();
  const [first, second] = cluster.caches as [GroupCache, GroupCache];
  const { self, instance, startedAtMs, nowMs, state, placement } = first.stats();
  await cluster.clock.advance(500);
  assertEquals(
    [self, startedAtMs, nowMs, state, placement],
    [cluster.urls[0], 1_700_000_000_000, 1_700_000_000_000, "serving", "rendezvous"],
  );
  assertEquals(first.stats().nowMs, nowMs + 500);
  assert(instance !== second.stats().instance);
  const leaving = first.close({ drainMs: 1000 });
  assertEquals(first.stats().state, "leaving");
  await cluster.clock.until(leaving);
  assertEquals(first.stats().state, "closed");
});
