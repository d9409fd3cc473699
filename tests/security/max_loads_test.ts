import { assert, assertEquals } from "@std/assert";
import { GroupCacheError, text } from "../../mod.ts";
import { Cluster } from "../../lib/testing/mod.ts";
import { test } from "../runtime.ts";

const KEYS = Array.from({ length: 2000 }, (_, index) => `key ${index}`);

/** A cluster of two whose loaders, one of each process, are counted. */
function loadingCluster(options: { maxLoads: number; maxQueuedLoads?: number; many?: boolean }) {
  const cluster = new Cluster(2);
  const origins = cluster.caches.map(() => ({ running: 0, most: 0 }));
  const groups = cluster.caches.map((cache, index) => {
    const origin = origins[index] as { running: number; most: number };
    const query = async (): Promise<void> => {
      origin.most = Math.max(origin.most, ++origin.running);
      await new Promise((resolve) => cluster.clock.setTimeout(() => resolve(undefined), 1));
      origin.running--;
    };
    return cache.group("group", {
      maxBytes: 16 << 20,
      codec: text,
      ...options,
      load: (key) => query().then(() => key),
      ...(options.many && {
        loadMany: (keys: readonly string[]) =>
          query().then(() => new Map(keys.map((key) => [key, key]))),
      }),
    });
  });
  return { cluster, groups, origins };
}

for (const many of [false, true]) {
  test(`An origin sees no more than maxLoads ${many ? "queries" : "loads"} of a process, whoever asks`, async () => {
    const { cluster, groups, origins } = loadingCluster({ maxLoads: 5, many });
    await using _cluster = cluster;
    const values = await cluster.clock.until(
      Promise.all(groups.map((group) => group.getMany(KEYS))),
    );
    for (const value of values) assertEquals(value.size, KEYS.length);
    for (const { most } of origins) assert(most > 0 && most <= 5, `${most} at a time`);
    if (!many) assertEquals(origins.map(({ most }) => most), [5, 5]);
  });
}

test("A caller can tell that a load was refused, in this process and in another", async () => {
  const { cluster, groups } = loadingCluster({ maxLoads: 1, maxQueuedLoads: 1 });
  await using _cluster = cluster;
  const [outcomes = new Map()] = await cluster.clock.until(
    Promise.all(groups.slice(0, 1).map((group) => group.getMany(KEYS, { settled: true }))),
  );
  const codes = new Map<string, number>();
  for (const outcome of outcomes.values()) {
    const { reason } = outcome as { reason?: unknown };
    const code = reason instanceof GroupCacheError ? reason.code : outcome.status;
    codes.set(code, (codes.get(code) ?? 0) + 1);
  }
  assertEquals([...codes.keys()].sort(), ["fulfilled", "overloaded"]);
  // Each of the two processes has loaded one, and then the one that waited.
  assertEquals(codes.get("fulfilled"), 4);
});
