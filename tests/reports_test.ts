import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Group, type GroupCache, text } from "../mod.ts";
import { Cluster } from "../lib/testing/mod.ts";
import { test } from "./runtime.ts";

function setUp(size = 3) {
  const cluster = new Cluster(size);
  const groups = cluster.caches.map((cache) =>
    cache.group("texts", { maxBytes: 1 << 20, codec: text, ttlMs: 60_000, load: (key) => key })
  ) as Group<string>[];
  return {
    cluster,
    groups,
    cache: cluster.caches[0] as GroupCache,
    group: groups[0] as Group<string>,
  };
}

test("reports() brings what each process counts, whoever is asked", async () => {
  const { cluster, cache } = setUp();
  const replies = await cluster.clock.until(cache.reports());
  assertEquals(replies.map(({ url }) => url), [...cluster.urls]);
  for (const [index, { report, error }] of replies.entries()) {
    assertEquals(error, null);
    const stats = cluster.caches[index]?.stats();
    assertEquals([report?.stats.self, report?.stats.instance], [stats?.self, stats?.instance]);
    assertEquals(Object.keys(report?.stats.groups ?? {}), ["texts"]);
  }
});

test("reports() of a process without peers is its own", async () => {
  const cluster = setUp(1);
  const [reply, ...others] = await cluster.cache.reports();
  assertEquals([reply?.report?.stats.self, others.length], [cluster.cluster.urls[0] ?? "", 0]);
});

const faults = [
  { name: "refuses connections", fault: "refuse", error: /connection refused/ },
  { name: "hangs", fault: "hang", error: /no answer within 2000 ms/ },
  { name: "answers with garbage", fault: "garbage", error: /./ },
  { name: "breaks off", fault: "cut", error: /./ },
] as const;

for (const { name, fault, error } of faults) {
  test(`reports() tells of a peer that ${name}, and of the others within 2 seconds`, async () => {
    const { cluster, cache } = setUp();
    cluster.setFault(1, fault);
    const startedAtMs = cluster.clock.now();
    const [own, broken, other] = await cluster.clock.until(cache.reports());
    assert(cluster.clock.now() - startedAtMs <= 2000);
    assertEquals([own?.error, broken?.report, other?.error], [null, null, null]);
    assert(error.test(broken?.error ?? ""), `${broken?.error}`);
  });
}

test("reports() refuses a report of another form instead of handing it on", async () => {
  const bodies = [
    "{}",
    "null",
    "[]",
    '{"stats":{"peers":[],"groups":{"a":{}},"instance":"i","startedAtMs":1},"hotKeys":[],"problems":[]}',
  ];
  for (const body of bodies) {
    const { GroupCache } = await import("../mod.ts");
    await using cache = new GroupCache({
      self: "http://a:1",
      peers: ["http://a:1", "http://b:1"],
      log: false,
      fetch: () => Promise.resolve(new Response(body, { headers: { "groupcache-version": "1" } })),
    });
    const [, theirs] = await cache.reports();
    assertEquals(theirs?.report, null, body);
    assert(theirs?.error?.includes("another form"), theirs?.error ?? "");
  }
});

test("reports() names the hottest keys once it has been called before", async () => {
  const { cluster, cache, group } = setUp();
  await cluster.clock.until(cache.reports());
  for (let i = 0; i < 1600; i++) await cluster.clock.until(group.get("hot"));
  await cluster.clock.advance(1000);
  const [own] = await cluster.clock.until(cache.reports());
  const [hottest] = own?.report?.hotKeys ?? [];
  assertEquals([hottest?.group, hottest?.key], ["texts", "hot"]);
  assert(cluster.urls.includes(hottest?.owner ?? ""));
});

test("reports() holds what went wrong, with its count", async () => {
  const { cluster, cache, group } = setUp();
  cluster.setFault(1, "refuse");
  for (let i = 0; i < 40; i++) await cluster.clock.until(group.get(`key ${i}`));
  const [own] = await cluster.clock.until(cache.reports());
  const problems = own?.report?.problems ?? [];
  const causes = problems.map(({ cause }) => cause);
  assert(causes.includes("peer-error") && causes.includes("peer-down"), `${causes}`);
  assert((problems.find(({ cause }) => cause === "peer-error")?.count ?? 0) >= 2);
});

test("inspect() tells who owns a key, the order, and where it is held, without using it", async () => {
  const { cluster, cache, groups, group } = setUp();
  await cluster.clock.until(group.get("key"));
  await cluster.clock.advance(10_000);
  const before = groups.map((group) => group.stats());
  const replies = await cluster.clock.until(cache.inspect("texts", "key"));
  assertEquals(groups.map((group) => group.stats()), before);
  const owner = replies[0]?.inspection?.owner;
  for (const { url, inspection, error } of replies) {
    assertEquals([error, inspection?.owner], [null, owner ?? null]);
    assertEquals([...inspection?.order ?? []].sort(), [...cluster.urls].sort());
    assertEquals(inspection?.order[0], owner);
    if (url !== owner) continue;
    assertEquals(
      [inspection?.held, inspection?.valueBytes, inspection?.leftMs, inspection?.isLoading],
      ["main", 3, 50_000, false],
    );
    assertEquals(inspection?.ageMs, 10_000);
  }
});

test("Group.inspect() counts uses and tells of a load in flight", async () => {
  const cluster = new Cluster(1);
  const load = Promise.withResolvers<string>();
  const group = cluster.caches[0]?.group("texts", {
    maxBytes: 1 << 20,
    codec: text,
    load: () => load.promise,
  }) as Group<string>;
  const empty = { held: null, valueBytes: null, ageMs: null, leftMs: null, uses: null };
  assertEquals(group.inspect("key"), { owner: null, order: [], ...empty, isLoading: false });
  const value = group.get("key");
  assertEquals(group.inspect("key").isLoading, true);
  load.resolve("value");
  await value;
  assertEquals([group.inspect("key").uses, group.inspect("key").leftMs], [0, null]);
  await cluster.clock.advance(5000);
  assertEquals(group.inspect("key").ageMs, 5000);
  await group.set("other", "value");
  // Nothing is recorded of a value without an end but how old its neighbours are at most.
  assertEquals(group.inspect("other").ageMs, 5000);
  for (let i = 0; i < 5; i++) await group.get("key");
  assertEquals(group.inspect("key").uses, 3);
});

test("inspect() refuses a group that is not here, and a key that is invalid", async () => {
  const { cache } = setUp();
  await assertRejects(() => cache.inspect("none", "key"), TypeError, 'no group "none"');
  await assertRejects(() => cache.inspect("texts", ""), TypeError);
});

test("reports() reaches peers that want a proof, and strangers get none", async () => {
  const cluster = new Cluster(3, { auth: { secrets: ["the secret of this cluster"] } });
  // Proofs are made in real time, which the clock would not wait for.
  const replies = await (cluster.caches[0] as GroupCache).reports();
  assertEquals(replies.map(({ error }) => error), [null, null, null]);
  const request = new Request(`${cluster.urls[0]}/_groupcache/_stats/`, {
    method: "POST",
    body: "{}",
  });
  const response = await cluster.caches[0]?.fetch(request);
  const told = await response?.text() ?? "";
  assert(response?.ok === false && !told.includes("instance"), `${response?.status}: ${told}`);
});
