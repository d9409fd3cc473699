import { assert, assertEquals } from "@std/assert";
import {
  type Group,
  GroupCache,
  type GroupCacheOptions,
  type GroupOptions,
  rendezvous,
  text,
} from "../../mod.ts";
import { MemoryNetwork } from "../../lib/testing/memory_network.ts";
import { VirtualClock } from "../../lib/testing/mod.ts";
import { test } from "../runtime.ts";

const URLS = ["a", "b", "c", "d"].map((name) => `http://${name}:1`);

interface Process {
  cache: GroupCache;
  group: Group<string>;
}

/** Processes that come and go, with one group of texts. */
class Setup {
  readonly clock = new VirtualClock();
  readonly network = new MemoryNetwork(this.clock, "/_groupcache/");
  /** What was loaded, in order. */
  readonly loads: string[] = [];
  readonly keys: string[] = Array.from({ length: 400 }, (_, i) => `key ${i}`);
  #options: Partial<GroupCacheOptions>;
  #groupOptions: Partial<GroupOptions<string>>;

  constructor(
    options: Partial<GroupCacheOptions> = {},
    groupOptions: Partial<GroupOptions<string>> = {},
  ) {
    this.#options = options;
    this.#groupOptions = groupOptions;
  }

  start(self: string, peers: readonly string[]): Process {
    const { clock, network: { fetch } } = this;
    const cache = new GroupCache({ self, peers, clock, fetch, ...this.#options });
    this.network.listen(self, cache.fetch);
    const group = cache.group("texts", {
      maxBytes: 1 << 20,
      codec: text,
      mirrorMinuteQps: Infinity,
      ...this.#groupOptions,
      load: (key) => {
        this.loads.push(key);
        return `value of ${key}`;
      },
    });
    return { cache, group };
  }

  startAll(urls: readonly string[]): Process[] {
    return urls.map((url) => this.start(url, urls));
  }

  /** Ends a process without a word. */
  async kill(self: string, { cache }: Process): Promise<void> {
    this.network.listen(self, () => {
      throw new TypeError("connection refused");
    });
    await cache.close();
  }

  async getAll({ group }: Process, keys: readonly string[] = this.keys): Promise<void> {
    const values = await this.clock.until(group.getMany(keys));
    assertEquals([...values.values()], keys.map((key) => `value of ${key}`));
  }
}

/** The keys whose order of peers begins with these. */
function keysOf(keys: readonly string[], urls: readonly string[], ...first: string[]): string[] {
  const rank = rendezvous().rank(urls);
  return keys.filter((key) => [...rank(key)].slice(0, first.length).join() === first.join());
}

const [A, B, C, D] = URLS as [string, string, string, string];

test("A process that joins finds values in the memory of others, and reloads nothing", async () => {
  const setup = new Setup();
  const processes = setup.startAll([A, B, C]) as [Process, Process, Process];
  await setup.getAll(processes[0]);
  assertEquals(setup.loads.length, setup.keys.length);
  const joined = setup.start(D, URLS);
  for (const { cache } of processes) cache.setPeers(URLS);
  for (const process of [...processes, joined]) await setup.getAll(process);
  assertEquals(setup.loads.length, setup.keys.length);
  const moved = keysOf(setup.keys, URLS, D).length;
  assert(moved > 50);
  assertEquals(joined.group.stats().peekLoads, moved);
  assertEquals(joined.group.stats().main.items, moved, "and has them now");
});

test("The remaining processes find values in the memory of one taken off the list", async () => {
  const setup = new Setup();
  const processes = setup.startAll([A, B, C]) as [Process, Process, Process];
  await setup.getAll(processes[0]);
  for (const { cache } of processes.slice(0, 2)) cache.setPeers([A, B]);
  for (const process of processes.slice(0, 2)) await setup.getAll(process);
  assertEquals(setup.loads.length, setup.keys.length);
});

test("A process that was killed and restarted finds what its successors loaded", async () => {
  const setup = new Setup();
  const processes = setup.startAll([A, B, C]) as [Process, Process, Process];
  await setup.getAll(processes[0]);
  const died = keysOf(setup.keys, [A, B, C], B).length;
  await setup.kill(B, processes[1]);
  await setup.getAll(processes[0]);
  assertEquals(setup.loads.length, setup.keys.length + died, "what died with it is loaded once");
  const reborn = setup.start(B, [A, B, C]);
  for (const process of [processes[0], reborn, processes[2]]) await setup.getAll(process);
  assertEquals(setup.loads.length, setup.keys.length + died);
});

test("A process that others could not reach finds what its successors loaded", async () => {
  const setup = new Setup();
  const processes = setup.startAll([A, B, C]) as [Process, Process, Process];
  const keys = keysOf(setup.keys, [A, B, C], B, C);
  await setup.clock.advance(300_000); // Beyond what a start is good for.
  setup.network.setFault(B, "hang");
  await setup.getAll(processes[0], keys);
  assertEquals(setup.loads.length, keys.length);
  setup.network.setFault(B, undefined);
  await setup.clock.advance(3000);
  await setup.getAll(processes[0], keysOf(setup.keys, [A, B, C], B, A).slice(0, 1));
  await setup.clock.advance(0);
  const before = setup.loads.length;
  await setup.getAll(processes[0], keys);
  assertEquals(setup.loads.length, before);
  assertEquals(processes[1].group.stats().peekLoads, keys.length);
});

test("A successor peeks at an owner that only the asking process has given up", async () => {
  const setup = new Setup();
  const [a, b, c] = setup.startAll([A, B, C]) as [Process, Process, Process];
  const keys = keysOf(setup.keys, [A, B, C], B, C);
  await setup.getAll(a, keys);
  await setup.clock.advance(300_000);
  // A loses its way to B, C does not.
  const lost = setup.start(A, [A, B, C]);
  setup.network.setFault(B, "refuse");
  for (const key of keysOf(setup.keys, [A, B, C], B, A).slice(0, 6)) await lost.group.get(key);
  setup.network.setFault(B, undefined);
  const before = setup.loads.length;
  await setup.getAll(lost, keys);
  assertEquals(setup.loads.length, before);
  assertEquals(c.group.stats().peekLoads, keys.length);
  assertEquals(b.group.stats().localLoads, keys.length);
});

test("handoffMs bounds how long a process peeks, and 0 turns it off", async () => {
  for (const handoffMs of [0, 10_000]) {
    const setup = new Setup({ handoffMs });
    const processes = setup.startAll([A, B, C]) as [Process, Process, Process];
    await setup.clock.advance(10_000);
    await setup.getAll(processes[0]);
    assertEquals(processes.map(({ group }) => group.stats().serverRequests).at(0), 0);
    const requests = setup.network.requestsTo(A);
    assertEquals(requests, 0, "nobody peeks at A");
    const joined = setup.start(D, URLS);
    for (const { cache } of processes) cache.setPeers(URLS);
    await setup.clock.advance(handoffMs);
    await setup.getAll(joined);
    assertEquals(setup.loads.length, setup.keys.length + keysOf(setup.keys, URLS, D).length);
  }
});

test("A value found by a peek keeps its expiry", async () => {
  const setup = new Setup({}, { ttlMs: 60_000 });
  const processes = setup.startAll([A, B, C]) as [Process, Process, Process];
  const [key] = keysOf(setup.keys, URLS, D) as [string];
  await setup.getAll(processes[0], [key]);
  const joined = setup.start(D, URLS);
  await setup.clock.advance(59_999);
  await setup.getAll(joined, [key]);
  assertEquals(joined.group.peek(key), `value of ${key}`);
  await setup.clock.advance(1);
  assertEquals(joined.group.peek(key), undefined);
});

test("A value found by a peek is not kept if the key was removed meanwhile", async () => {
  const setup = new Setup();
  const [a, b, c] = setup.startAll([A, B, C]) as [Process, Process, Process];
  const [key] = keysOf(setup.keys, URLS, D, A) as [string];
  await setup.getAll(a, [key]);
  const joined = setup.start(D, URLS);
  for (const { cache } of [a, b, c]) cache.setPeers(URLS);
  // It first asks the others what changed.
  const [first] = keysOf(setup.keys, URLS, A) as [string];
  await setup.getAll(joined, [first]);
  setup.loads.length = 1;
  setup.network.setFault(A, { delayMs: 100 });
  const wait = joined.group.get(key);
  await setup.clock.advance(50);
  const removal = b.group.remove(key);
  assertEquals(await setup.clock.until(wait), `value of ${key}`);
  await setup.clock.until(removal);
  assertEquals(joined.group.peek(key), undefined);
  assertEquals(setup.loads, [key]);
});

test("A value that is handed off while another peer is peeked at is not loaded again", async () => {
  const setup = new Setup();
  const [a, b, c] = setup.startAll([A, B, C]) as [Process, Process, Process];
  // Both A and B have been its owner.
  const ofA = keysOf(setup.keys, URLS, D, A);
  const [key] = keysOf(ofA, [B, C], B) as [string];
  await setup.getAll(a, [key]);
  b.cache.setPeers([B, C]);
  setup.network.setFault(A, "refuse");
  await setup.getAll(b, [key]);
  setup.network.setFault(A, undefined);
  for (const { cache } of [a, b, c]) cache.setPeers(URLS);
  const joined = setup.start(D, URLS);
  // It first asks the others what changed.
  const [first] = keysOf(setup.keys, URLS, B) as [string];
  await setup.getAll(joined, [first]);
  const loads = setup.loads.length;
  setup.network.setFault(A, "hang");
  const wait = joined.group.get(key);
  await setup.clock.advance(100);
  assertEquals(joined.group.peek(key), undefined);
  const left = b.cache.close({ drainMs: 5000 });
  assertEquals(await setup.clock.until(wait), `value of ${key}`);
  await setup.clock.until(left);
  assertEquals(setup.loads.length, loads);
});

test("A peer that does not answer a peek costs one second, once", async () => {
  const setup = new Setup();
  const processes = setup.startAll([A, B, C]) as [Process, Process, Process];
  await setup.getAll(processes[0]);
  const d = setup.start(D, URLS);
  setup.network.setFault(A, "hang");
  const keys = keysOf(setup.keys, URLS, D, A);
  const startMs = setup.clock.now();
  for (const key of keys) await setup.getAll(d, [key]);
  assertEquals(setup.clock.now() - startMs, 1000);
});
