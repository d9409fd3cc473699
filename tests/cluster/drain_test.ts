import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type Group as AnyGroup,
  GroupCache,
  GroupCacheError,
  type GroupOptions,
  rendezvous,
  text,
} from "../../mod.ts";
import { Cluster } from "../../lib/testing/mod.ts";
import { test } from "../runtime.ts";

type Group = AnyGroup<string>;

const KEYS = Array.from({ length: 300 }, (_, i) => `key ${i}`);

function setUp(size: number, options: Partial<GroupOptions<string>> = {}) {
  const cluster = new Cluster(size, { handoffMs: 0 });
  const loads: string[] = [];
  const groups = cluster.caches.map((cache) =>
    cache.group("texts", {
      maxBytes: 1 << 20,
      codec: text,
      mirrorMinuteQps: Infinity,
      ...options,
      load: (key, context) => {
        loads.push(key);
        return options.load?.(key, context) ?? `value of ${key}`;
      },
    })
  ) as [Group, Group, ...Group[]];
  const caches = cluster.caches as readonly [GroupCache, GroupCache, ...GroupCache[]];
  const [first] = groups;
  const getAll = async (group = first) => {
    const values = await cluster.clock.until(group.getMany(KEYS));
    assertEquals([...values.values()], KEYS.map((key) => `value of ${key}`));
  };
  return { cluster, caches, groups, loads, getAll };
}

test("A process that drains transfers its values to their next owners", async () => {
  const { cluster, caches, groups, loads, getAll } = setUp(3);
  await getAll();
  const held = groups[1].stats().main.items;
  assert(held > 60);
  await cluster.clock.until(caches[1].close({ drainMs: 5000 }));
  await cluster.clock.advance(5000);
  assertEquals(cluster.clock.pendingTimers, 0);
  const taken = [groups[0], groups[2] as Group].map((group) => group.stats().handoffs);
  assertEquals(taken.reduce((sum, count) => sum + count), held);
  await getAll(groups[0]);
  await getAll(groups[2]);
  assertEquals(loads.length, KEYS.length, "nothing is loaded again");
  assertEquals(cluster.requestsTo(1) > 0, true);
});

test("Peers go elsewhere from the first moment of a drain, and no get fails", async () => {
  const { cluster, caches, groups, loads } = setUp(3);
  const closing = caches[1].close({ drainMs: 5000 });
  const values = groups[0].getMany(KEYS);
  assertEquals((await cluster.clock.until(values)).size, KEYS.length);
  await cluster.clock.until(closing);
  assertEquals(loads.length, KEYS.length);
  assertEquals(groups[1].stats().localLoads, 0, "who leaves loads nothing new");
});

test("A process that drains finishes what is in flight, for itself and for peers", async () => {
  const outcomes: PromiseWithResolvers<string>[] = [];
  const { cluster, caches, groups } = setUp(3, {
    load: () => {
      const outcome = Promise.withResolvers<string>();
      outcomes.push(outcome);
      return outcome.promise;
    },
  });
  const rank = rendezvous().rank(cluster.urls);
  const [key] = KEYS.filter((key) => [...rank(key)][0] === cluster.urls[1]) as [string];
  const waits = [groups[0].get(key), groups[1].get(key)];
  await cluster.clock.advance(200);
  let hasClosed = false;
  const closing = caches[1].close({ drainMs: 5000 }).then(() => hasClosed = true);
  await cluster.clock.advance(1000);
  assertEquals([hasClosed, outcomes.length], [false, 1]);
  outcomes[0]?.resolve("late");
  assertEquals(await cluster.clock.until(Promise.all(waits)), ["late", "late"]);
  await cluster.clock.until(closing);
  assertEquals(outcomes.length, 1);
});

test("A drain takes no longer than drainMs", async () => {
  const { cluster, caches, groups } = setUp(3, { load: () => new Promise(() => {}) });
  const wait = groups[1].get("key");
  const failure = assertRejects(() => wait, GroupCacheError, "closed");
  await cluster.clock.advance(100);
  const startMs = cluster.clock.now();
  const requests = caches[1].close({ drainMs: 2000 });
  await cluster.clock.until(requests);
  assertEquals(cluster.clock.now() - startMs <= 2000, true);
  await failure;
});

test("Closing again cuts a drain short", async () => {
  const { cluster, caches, groups } = setUp(2, { load: () => new Promise(() => {}) });
  const wait = groups[1].get("key").catch(() => "failed");
  await cluster.clock.advance(0);
  const drained = caches[1].close({ drainMs: 60_000 });
  await caches[1].close();
  await drained;
  assertEquals(await wait, "failed");
});

test("A peer that hangs does not hold up a drain beyond drainMs", async () => {
  const { cluster, caches, groups, getAll } = setUp(3);
  await getAll();
  cluster.setFault(2, "hang");
  const startMs = cluster.clock.now();
  await cluster.clock.until(caches[1].close({ drainMs: 3000 }));
  assert(cluster.clock.now() - startMs <= 3000);
  assert(groups[0].stats().handoffs > 0);
});

test("A drain transfers the most wanted values first", async () => {
  const value = "x".repeat(100_000);
  const { cluster, caches, groups } = setUp(2, { maxBytes: 64 << 20, load: () => value });
  const rank = rendezvous().rank(cluster.urls);
  const mine = KEYS.filter((key) => [...rank(key)][0] === cluster.urls[1]);
  const wanted = mine.slice(50, 60);
  for (const key of mine) await groups[1].get(key);
  for (const key of wanted) for (let i = 0; i < 3; i++) await groups[1].get(key);
  cluster.setFault(0, { delayMs: 100 });
  // Time for a lot or two.
  await cluster.clock.until(caches[1].close({ drainMs: 450 }));
  const taken = groups[0].stats().handoffs;
  assert(taken >= wanted.length && taken < mine.length, `${taken} of ${mine.length}`);
  for (const key of wanted) assertEquals(groups[0].peek(key), value);
});

test("A key removed during its transfer does not come back", async () => {
  const { cluster, caches, groups, getAll } = setUp(3);
  await getAll();
  const rank = rendezvous().rank(cluster.urls);
  const [key] = KEYS.filter((key) =>
    [...rank(key)].join() === [1, 0, 2].map((i) => cluster.urls[i]).join()
  ) as [string];
  cluster.setFault(1, { delayMs: 50 });
  const closing = caches[1].close({ drainMs: 5000 });
  // The offer has arrived, and the value is on its way.
  await cluster.clock.advance(75);
  const removal = (groups[2] as Group).remove(key);
  await cluster.clock.until(Promise.all([removal, closing]));
  assertEquals(groups[0].peek(key), undefined);
  assert(groups[0].stats().handoffs > 0);
});

test("A transferred value does not overwrite one that the process has", async () => {
  const { cluster, caches, groups, getAll } = setUp(2);
  await getAll();
  const rank = rendezvous().rank(cluster.urls);
  const [key] = KEYS.filter((key) => [...rank(key)][0] === cluster.urls[1]) as [string];
  caches[0].setPeers([cluster.urls[0] as string]);
  await groups[0].set(key, "newer");
  caches[0].setPeers(cluster.urls);
  await cluster.clock.until(caches[1].close({ drainMs: 5000 }));
  assertEquals(groups[0].peek(key), "newer");
});

test("A process without peers, and one without values, drain at once", async () => {
  const { cluster, caches } = setUp(1);
  const startMs = cluster.clock.now();
  await caches[0].close({ drainMs: 5000 });
  assertEquals(cluster.clock.now(), startMs);
  await new GroupCache().close({ drainMs: 5000 });
});

for (const drainMs of [-1, NaN, "5" as unknown as number]) {
  test(`close() refuses drainMs of ${drainMs}`, async () => {
    const cache = new GroupCache();
    await assertRejects(
      () => cache.close({ drainMs }),
      RangeError,
      "drainMs must be a number above 0",
    );
    await cache.close();
  });
}

test("A rolling restart with drain reloads nothing", async () => {
  const { cluster, caches, groups, loads, getAll } = setUp(4);
  await getAll();
  for (const leaver of [1, 2, 3]) {
    await cluster.clock.until((caches[leaver] as GroupCache).close({ drainMs: 5000 }));
    await getAll(groups[0]);
    assertEquals(loads.length, KEYS.length, `after ${leaver} left`);
  }
  assertEquals(groups[0].stats().main.items, KEYS.length);
});
