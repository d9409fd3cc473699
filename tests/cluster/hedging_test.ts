import { assert, assertEquals } from "@std/assert";
import {
  type Group,
  GroupCacheError,
  type GroupCacheOptions,
  type Load,
  rendezvous,
  text,
} from "../../mod.ts";
import { Cluster } from "../../lib/testing/mod.ts";
import { test } from "../runtime.ts";

/** What begins so is in memory at its owner after `warmUp`. */
const WARM = "warm";

/** A cluster that hedges, whose process 0 asks for what process 1 owns. */
class Setup {
  readonly cluster: Cluster;
  readonly groups: Group<string>[];
  /** The keys for which process 2 comes next, or this process if there are two. */
  readonly keys: string[];
  /** Which process ran the loader, and for how long: "started", then "left" if it was told to end. */
  readonly loads: string[] = [];

  constructor(size: number, load: Load<string>, options: GroupCacheOptions = { hedge: true }) {
    // Nobody owned anything before.
    this.cluster = new Cluster(size, { handoffMs: 0, ...options });
    this.groups = this.cluster.caches.map((cache, process) =>
      cache.group("texts", {
        maxBytes: 1 << 20,
        codec: text,
        mirrorMinuteQps: Infinity,
        load: (key, context) => {
          if (key.startsWith(WARM)) return "warm";
          this.loads.push(`${process} started`);
          context.signal.addEventListener("abort", () => this.loads.push(`${process} left`));
          return load(`${process}`, context);
        },
      })
    );
    this.keys = this.#keys("key", 2000);
  }

  get group(): Group<string> {
    return this.groups[0] as Group<string>;
  }

  get hedges(): [sent: number, won: number] {
    const { hedges, hedgesWon } = this.group.stats();
    return [hedges, hedgesWon];
  }

  /** Lets the others learn that process 1 answers at once. Returns keys that it has in memory. */
  async warmUp(count = 100): Promise<string[]> {
    const keys = this.#keys(WARM, count);
    for (const [process, group] of this.groups.entries()) {
      for (const key of process === 1 ? [] : keys) await group.get(key);
    }
    await this.cluster.clock.advance(0);
    return keys;
  }

  /** A value, and how many milliseconds it took. */
  async timed(key = this.keys[0] as string): Promise<[value: string, ms: number]> {
    const { clock } = this.cluster;
    const startMs = clock.now();
    const value = await clock.until(this.group.get(key));
    return [value, clock.now() - startMs];
  }

  #keys(prefix: string, count: number): string[] {
    const { urls } = this.cluster;
    const rank = rendezvous().rank(urls);
    const keys: string[] = [];
    for (let i = 0; keys.length < count; i++) {
      const key = `${prefix} ${i}`;
      const [owner, next] = [...rank(key)].map((url) => urls.indexOf(url));
      if (owner === 1 && next === 2 % urls.length) keys.push(key);
    }
    return keys;
  }
}

const loadedBy: Load<string> = (process) => `loaded by ${process}`;

test("A get that a peer is slow to answer is answered by the next peer", async () => {
  const setup = new Setup(3, loadedBy);
  const { cluster, loads } = setup;
  await setup.warmUp();
  cluster.setFault(1, { delayMs: 500 });
  const requests = [cluster.requestsTo(1), cluster.requestsTo(2)];
  // 1 ms until the second request, and 1 ms in which process 2 looks for the value at process 1.
  assertEquals(await setup.timed(), ["loaded by 2", 2]);
  assertEquals(setup.hedges, [1, 1]);
  assertEquals(setup.group.stats().peerErrors, 0);
  assertEquals(loads, ["2 started"]);
  assertEquals(cluster.requestsTo(1) - (requests[0] ?? 0), 2);
  assertEquals(cluster.requestsTo(2) - (requests[1] ?? 0), 1);
  await cluster[Symbol.asyncDispose]();
  await cluster.clock.advance(2000); // Channels that are closing take as long as the delay.
  assertEquals(cluster.clock.pendingTimers, 0);
});

test("A get that the last peer is slow to answer is loaded in this process", async () => {
  const setup = new Setup(2, loadedBy);
  await setup.warmUp();
  setup.cluster.setFault(1, { delayMs: 500 });
  assertEquals(await setup.timed(), ["loaded by 0", 1]);
  assertEquals(setup.hedges, [1, 1]);
  assertEquals(setup.loads, ["0 started"]);
  assertEquals(setup.group.peek(setup.keys[0] as string), "loaded by 0");
});

test("The next peer finds in the owner's memory what a stalled request holds back", async () => {
  const setup = new Setup(3, loadedBy);
  const { cluster } = setup;
  const [key = ""] = await setup.warmUp();
  cluster.setFault(1, { delayMs: 500 });
  const startMs = cluster.clock.now();
  const value = setup.group.get(key);
  await cluster.clock.advance(0);
  cluster.setFault(1, undefined);
  assertEquals(await cluster.clock.until(value), "warm");
  assertEquals(cluster.clock.now() - startMs, 1);
  assertEquals(setup.hedges, [1, 1]);
  assertEquals(setup.groups[2]?.stats().localLoads, 0);
});

test("Nothing is sent twice before 100 answers have come", async () => {
  const setup = new Setup(3, loadedBy);
  await setup.warmUp(99);
  setup.cluster.setFault(1, { delayMs: 500 });
  assertEquals(await setup.timed(), ["loaded by 1", 500]);
  assertEquals(setup.hedges, [0, 0]);
});

test("Nothing is sent twice without the option", async () => {
  const setup = new Setup(3, loadedBy, {});
  await setup.warmUp();
  setup.cluster.setFault(1, { delayMs: 500 });
  assertEquals(await setup.timed(), ["loaded by 1", 500]);
  assertEquals(setup.hedges, [0, 0]);
});

test("A slow load is run by the next peer too, and the first to finish cancels the other", async () => {
  for (const [winner, loser] of [["1", "2"], ["2", "1"]] as const) {
    const outcomes: Record<string, PromiseWithResolvers<string>> = {};
    const setup = new Setup(3, (process) => {
      return (outcomes[process] = Promise.withResolvers<string>()).promise;
    });
    await setup.warmUp();
    const value = setup.group.get(setup.keys[0] as string);
    await setup.cluster.clock.advance(100);
    assertEquals(setup.loads, ["1 started", "2 started"]);
    outcomes[winner]?.resolve(`loaded by ${winner}`);
    assertEquals(await setup.cluster.clock.until(value), `loaded by ${winner}`);
    await setup.cluster.clock.advance(1000);
    assertEquals(setup.loads, ["1 started", "2 started", `${loser} left`]);
    assertEquals(setup.hedges, [1, winner === "2" ? 1 : 0]);
  }
});

test("A caller that leaves cancels both requests, and both loads", async () => {
  const setup = new Setup(3, () => new Promise(() => {}));
  await setup.warmUp();
  const caller = new AbortController();
  const value = setup.group.get(setup.keys[0] as string, { signal: caller.signal });
  const failed = value.then(() => undefined, (error) => error);
  await setup.cluster.clock.advance(100);
  caller.abort(new Error("enough"));
  assertEquals((await failed).message, "enough");
  await setup.cluster.clock.advance(10_000); // Until unused channels are closed.
  assertEquals(setup.loads.toSorted(), ["1 left", "1 started", "2 left", "2 started"]);
  assertEquals(setup.cluster.clock.pendingTimers, 0);
});

test("When both fail the next peer is asked, and none twice", async () => {
  const setup = new Setup(3, loadedBy);
  const { cluster } = setup;
  await setup.warmUp();
  cluster.setFault(1, "hang");
  cluster.setFault(2, "refuse");
  const requests = [cluster.requestsTo(1), cluster.requestsTo(2)];
  const [value] = await setup.timed();
  assertEquals(value, "loaded by 0");
  assertEquals(cluster.requestsTo(1) - (requests[0] ?? 0), 1);
  assertEquals(cluster.requestsTo(2) - (requests[1] ?? 0), 1);
  assertEquals(setup.group.stats().peerErrors, 2);
  assertEquals(setup.hedges, [1, 0]);
  assertEquals(setup.loads, ["0 started"]);
});

test("Second requests skip peers that are down, too", async () => {
  const setup = new Setup(3, loadedBy);
  const { cluster } = setup;
  await setup.warmUp();
  // Process 2 is given up before process 1 becomes slow.
  cluster.setFault(2, "refuse");
  const rank = rendezvous().rank(cluster.urls);
  const ownedBy2 = Array.from({ length: 100 }, (_, i) => `other ${i}`)
    .filter((key) => [...rank(key)][0] === cluster.urls[2]);
  for (const key of ownedBy2.slice(0, 5)) await cluster.clock.until(setup.group.get(key));
  const requests = cluster.requestsTo(2);
  cluster.setFault(1, { delayMs: 500 });
  assertEquals(await setup.timed(), ["loaded by 0", 1]);
  assertEquals(cluster.requestsTo(2), requests);
});

test("An error of the second load does not fail a get whose first load succeeds", async () => {
  const setup = new Setup(3, (process) => {
    if (process === "2") throw new Error("no way to the origin from here");
    return loadedBy(process, undefined as never);
  });
  await setup.warmUp();
  setup.cluster.setFault(1, { delayMs: 500 });
  assertEquals(await setup.timed(), ["loaded by 1", 500]);
  assertEquals(setup.hedges, [1, 0]);
});

test("A not-found of the second request is the answer", async () => {
  const setup = new Setup(3, () => undefined);
  await setup.warmUp();
  setup.cluster.setFault(1, { delayMs: 500 });
  const error = await setup.timed().catch((error) => error);
  assert(error instanceof GroupCacheError && error.code === "not-found", String(error));
  assertEquals(setup.hedges, [1, 1]);
});

test("A peer that stays slow costs at most 5 % more requests, and soon none", async () => {
  const setup = new Setup(3, loadedBy);
  const { cluster } = setup;
  await setup.warmUp();
  cluster.setFault(1, { delayMs: 100 });
  for (let round = 0; round < 10; round++) {
    const keys = setup.keys.slice(round * 50, (round + 1) * 50);
    await cluster.clock.until(setup.group.getMany(keys));
  }
  const [hedges] = setup.hedges;
  assert(hedges > 0 && hedges <= 150 * 0.05, `as many as the first 150 gets allow: ${hedges}`);
});

test("A peer that becomes slower and slower costs at most 5 % more requests", async () => {
  const setup = new Setup(3, loadedBy);
  const { cluster } = setup;
  await setup.warmUp();
  for (let round = 0, delayMs = 20; round < 20; round++, delayMs *= 1.2) {
    cluster.setFault(1, { delayMs });
    const keys = setup.keys.slice(round * 50, (round + 1) * 50);
    await cluster.clock.until(setup.group.getMany(keys));
  }
  const [hedges, hedgesWon] = setup.hedges;
  assert(hedges > 40 && hedges <= 1100 * 0.05, `of 1,100 gets: ${hedges}`);
  assertEquals(hedgesWon, hedges);
  assert(setup.loads.length <= 1000 + hedges, `a load for each request: ${setup.loads.length}`);
});

test("Group.set() and remove() are never sent twice", async () => {
  const setup = new Setup(3, loadedBy);
  const { cluster, group } = setup;
  const [key = ""] = setup.keys;
  await setup.warmUp();
  cluster.setFault(1, { delayMs: 500 });
  const requests = [cluster.requestsTo(1), cluster.requestsTo(2)];
  await cluster.clock.until(group.set(key, "set"));
  await cluster.clock.until(group.remove(key));
  assertEquals(cluster.requestsTo(1) - (requests[0] ?? 0), 2);
  assertEquals(cluster.requestsTo(2) - (requests[1] ?? 0), 2);
  assertEquals(setup.hedges, [0, 0]);
});

test("GroupCache.close() leaves nothing behind of hedged requests", async () => {
  const setup = new Setup(3, () => new Promise(() => {}));
  await setup.warmUp();
  const failed = setup.group.get(setup.keys[0] as string).catch((error) => error);
  await setup.cluster.clock.advance(100);
  assertEquals(setup.hedges, [1, 0]);
  await setup.cluster[Symbol.asyncDispose]();
  await setup.cluster.clock.advance(0);
  assertEquals((await failed).code, "closed");
  assertEquals(setup.cluster.clock.pendingTimers, 0);
});
