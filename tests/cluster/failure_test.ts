import { assert, assertEquals } from "@std/assert";
import { type Group, GroupCache, type GroupCacheOptions, rendezvous, text } from "../../mod.ts";
import { Cluster, VirtualClock } from "../../lib/testing/mod.ts";
import { test } from "../runtime.ts";

/** A cluster with a group whose values tell which process loaded them, and what operators see. */
class Setup {
  readonly cluster: Cluster;
  readonly groups: Group<string>[];
  readonly events: string[] = [];
  loads = 0;

  constructor(size: number, options: Partial<GroupCacheOptions> = {}) {
    this.cluster = new Cluster(size, options);
    this.groups = this.cluster.caches.map((cache, process) => {
      for (const type of ["peer-down", "peer-up"] as const) {
        cache.addEventListener(type, ({ peer }) => {
          this.events.push(`${process}: ${type} ${this.cluster.urls.indexOf(peer)}`);
        });
      }
      return cache.group("texts", {
        maxBytes: 1 << 20,
        codec: text,
        mirrorMinuteQps: Infinity,
        load: () => {
          this.loads++;
          return `loaded by ${process}`;
        },
      });
    });
  }

  /** Keys that process 0 asks for when `owner` owns them and `successor` comes next. */
  keys(owner: number, successor: number, count: number): string[] {
    const ranking = rendezvous().rank(this.cluster.urls);
    const keys: string[] = [];
    for (let i = 0; keys.length < count; i++) {
      const [first, second] = [...ranking(`key ${i}`)].map((url) => this.cluster.urls.indexOf(url));
      if (first === owner && second === successor) keys.push(`key ${i}`);
    }
    return keys;
  }

  /** Has each process ask the others what changed before it was started, as it does once. */
  async introduce(): Promise<void> {
    const { caches, clock } = this.cluster;
    const groups = caches.map((cache) =>
      cache.group("introductions", { maxBytes: 1 << 20, load: (key) => key })
    );
    const keys = Array.from({ length: 50 }, (_, i) => `key ${i}`);
    for (const group of groups) await clock.until(group.getMany(keys));
  }

  get(process: number, key: string): Promise<string> {
    return this.cluster.clock.until((this.groups[process] as Group<string>).get(key));
  }
}

test("A peer that keeps failing is given up, and its keys belong to the next in order", async () => {
  const setup = new Setup(3);
  await setup.introduce();
  const before = setup.cluster.requestsTo(1);
  setup.cluster.setFault(1, "refuse");
  for (const key of setup.keys(1, 2, 20)) assertEquals(await setup.get(0, key), "loaded by 2");
  assertEquals(
    setup.cluster.requestsTo(1) - before,
    12,
    "5 of each, and what broke with the channel",
  );
  assertEquals(setup.events.sort(), ["0: peer-down 1", "2: peer-down 1"]);
  assertEquals(setup.loads, 20, "each key once");
});

test("A silent peer is given up after one timeout, not five", async () => {
  const setup = new Setup(3);
  await setup.introduce();
  const [first, ...others] = setup.keys(1, 2, 20);
  const before = setup.cluster.requestsTo(1);
  setup.cluster.setFault(1, "hang");
  const startMs = setup.cluster.clock.now();
  assertEquals(await setup.get(0, first as string), "loaded by 2");
  const waitedMs = setup.cluster.clock.now() - startMs;
  for (const key of others) assertEquals(await setup.get(0, key), "loaded by 2");
  assertEquals(setup.cluster.clock.now() - startMs, waitedMs, "nobody else waits");
  assertEquals(setup.cluster.requestsTo(1) - before <= 2, true);
});

test("A peer that is back is probed without delaying any caller, and used again", async () => {
  const setup = new Setup(3);
  const keys = setup.keys(1, 2, 30);
  setup.cluster.setFault(1, "refuse");
  for (const key of keys.slice(0, 10)) await setup.get(0, key);
  setup.cluster.setFault(1, undefined);
  assertEquals(await setup.get(0, keys[10] as string), "loaded by 2", "not before the pause ends");
  await setup.cluster.clock.advance(500);
  // This call starts the probe, and does not wait for it.
  assertEquals(await setup.get(0, keys[11] as string), "loaded by 2");
  await setup.cluster.clock.advance(0);
  assertEquals(await setup.get(0, keys[12] as string), "loaded by 1");
  assertEquals(setup.events.filter((event) => event.startsWith("0")), [
    "0: peer-down 1",
    "0: peer-up 1",
  ]);
});

test("No caller waits for a probe of a peer that stays silent", async () => {
  const setup = new Setup(3);
  await setup.introduce();
  const keys = setup.keys(1, 2, 100);
  setup.cluster.setFault(1, "hang");
  await setup.get(0, keys[0] as string);
  for (const key of keys.slice(1)) {
    await setup.cluster.clock.advance(400);
    const startMs = setup.cluster.clock.now();
    await setup.get(0, key);
    assertEquals(setup.cluster.clock.now(), startMs);
  }
});

test("A lost probe delays the return of a peer by at most 3 seconds", async () => {
  const setup = new Setup(3);
  const keys = setup.keys(1, 2, 10);
  setup.cluster.setFault(1, "hang");
  await setup.get(0, keys[0] as string);
  await setup.cluster.clock.advance(500);
  await setup.get(0, keys[1] as string);
  setup.cluster.setFault(1, undefined);
  await setup.cluster.clock.advance(3000);
  assertEquals(await setup.get(0, keys[2] as string), "loaded by 2", "this one starts a probe");
  await setup.cluster.clock.advance(0);
  assertEquals(await setup.get(0, keys[3] as string), "loaded by 1");
});

test("A peer that does not know a group is not given up", async () => {
  const setup = new Setup(2);
  const [first] = setup.cluster.caches;
  const early = first?.group("new", { maxBytes: 1 << 20, codec: text, load: (key) => key });
  for (let i = 0; i < 40; i++) {
    assertEquals(
      await setup.cluster.clock.until(early?.get(`key ${i}`) as Promise<string>),
      `key ${i}`,
    );
  }
  assertEquals(setup.events, []);
  const [key] = setup.keys(1, 0, 1);
  assertEquals(await setup.get(0, key as string), "loaded by 1");
});

test("A process whose loader fails is not given up", async () => {
  const cluster = new Cluster(2);
  const events: string[] = [];
  const groups = cluster.caches.map((cache) => {
    cache.addEventListener("peer-down", ({ peer }) => events.push(peer));
    return cache.group("failing", {
      maxBytes: 1 << 20,
      load: () => {
        throw new Error("the origin is down");
      },
    });
  });
  for (let i = 0; i < 40; i++) await groups[0]?.get(`key ${i}`).catch(() => {});
  assertEquals(events, []);
});

test("A peer that closes is given up at its first reply", async () => {
  const setup = new Setup(3);
  const [first, second] = setup.keys(1, 2, 2);
  await setup.cluster.caches[1]?.close();
  assertEquals(await setup.get(0, first as string), "loaded by 2");
  const requests = setup.cluster.requestsTo(1);
  assertEquals(await setup.get(0, second as string), "loaded by 2");
  assertEquals(setup.cluster.requestsTo(1), requests);
});

test("Group.remove() succeeds without a peer that has closed", async () => {
  const setup = new Setup(3);
  const [key] = setup.keys(1, 2, 1) as [string];
  await setup.get(0, key);
  await setup.cluster.caches[1]?.close();
  await setup.cluster.clock.until(setup.groups[0]?.remove(key) as Promise<void>);
  assertEquals(await setup.get(0, key), "loaded by 2");
});

test("A peer that restarts says so, and is used again at once", async () => {
  const clock = new VirtualClock();
  const servers = new Map<string, GroupCache>();
  const urls = ["http://a:1", "http://b:1"];
  const start = (self: string) => {
    const fetch = async (input: string, init?: RequestInit) => {
      const server = servers.get(new URL(input).origin);
      if (server === undefined) throw new TypeError("connection refused");
      return await server.fetch(new Request(input, init));
    };
    const cache = new GroupCache({ self, peers: urls, clock, fetch });
    servers.set(self, cache);
    const group = cache.group("texts", { maxBytes: 1 << 20, codec: text, load: () => self });
    return { cache, group };
  };
  const [a, b] = urls.map(start);
  const rank = rendezvous().rank(urls);
  const keysOf = (url: string) =>
    Array.from({ length: 200 }, (_, i) => `key ${i}`).filter((key) => [...rank(key)][0] === url);
  const [warmUp, ...keys] = keysOf("http://b:1") as [string, ...string[]];
  await a?.group.get(warmUp);
  await b?.cache.close();
  servers.delete("http://b:1");
  for (const key of keys.slice(0, 10)) assertEquals(await a?.group.get(key), "http://a:1");

  const events: string[] = [];
  a?.cache.addEventListener("peer-up", ({ peer }) => events.push(peer));
  const reborn = start("http://b:1");
  await reborn.group.get(keysOf("http://a:1")[0] as string);
  await clock.advance(0);
  assertEquals(events, ["http://b:1"]);
  assertEquals(await a?.group.get(keys[20] as string), "http://b:1");
});

test("Lists of peers that differ for a minute are reported on both sides", async () => {
  const setup = new Setup(3);
  const told: string[] = [];
  for (const [process, cache] of setup.cluster.caches.entries()) {
    cache.addEventListener("peer-mismatch", ({ kind, message }) => {
      told.push(`${process} ${kind} ${message}`);
    });
  }
  const [a, b, c] = setup.cluster.urls as [string, string, string];
  setup.cluster.caches[0]?.setPeers([a, b]);
  const keys = setup.keys(1, 2, 10);
  for (const key of keys) {
    await setup.get(0, key);
    await setup.cluster.clock.advance(10_000);
  }
  assert(
    told.includes(
      `0 peers ${b}: its list of peers differs: it lacks none and has ${c} in addition`,
    ),
    told.join("\n"),
  );
  assert(
    told.includes(
      `1 peers ${a}: its list of peers differs: it lacks ${c} and has none in addition`,
    ),
    told.join("\n"),
  );
  assertEquals(told.length, new Set(told).size, "each once");
});

test("A process that reaches itself under another name is reported", async () => {
  const clock = new VirtualClock();
  const told: string[] = [];
  const cache: GroupCache = new GroupCache({
    self: "http://me:1",
    peers: ["http://alias:1", "http://me:1"],
    clock,
    fetch: async (input, init) => await cache.fetch(new Request(input, init)),
  });
  cache.addEventListener("peer-mismatch", ({ kind, message }) => told.push(`${kind} ${message}`));
  const group = cache.group("texts", { maxBytes: 1 << 20, codec: text, load: (key) => key });
  for (let i = 0; i < 10; i++) assertEquals(await group.get(`key ${i}`), `key ${i}`);
  await clock.advance(0);
  assertEquals(told, ["self http://alias:1: it is this process, http://me:1"]);
});
