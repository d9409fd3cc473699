import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { consul, type ConsulOptions } from "../../lib/discovery/consul.ts";
import { MemoryNetwork } from "../../lib/testing/memory_network.ts";
import { VirtualClock } from "../../lib/testing/virtual_clock.ts";
import { serve, test } from "../runtime.ts";
import { BreakableFetch } from "./breakable.ts";
import { A, B, C, conforms } from "./conformance.ts";
import { FakeConsul, type Instance } from "./fake_consul.ts";

const instancesOf = (peers: readonly string[]): Instance[] =>
  peers.map((peer) => ({ address: new URL(peer).hostname, port: Number(new URL(peer).port) }));

conforms("consul", (peers, options) => {
  const clock = options.clock as VirtualClock;
  // Timers of the server are not the source's.
  const server = new FakeConsul(new VirtualClock());
  server.set(instancesOf(peers));
  const network = new MemoryNetwork(clock);
  network.listen("http://127.0.0.1:8500", server.serve);
  const line = new BreakableFetch(network.fetch);
  return {
    discovery: consul({ ...options, service: "cache", fetch: line.fetch }),
    set: (changed) => server.set(instancesOf(changed)),
    setBroken: (isBroken) => line.setBroken(isBroken),
    requests: () => line.requests,
  };
});

/** A source, its server and their clock. */
function watching(options: Partial<ConsulOptions> = {}) {
  const clock = new VirtualClock();
  const server = new FakeConsul(clock);
  const network = new MemoryNetwork(clock);
  network.listen("http://127.0.0.1:8500", server.serve);
  const { fetch } = network;
  const iterator = consul({ service: "cache", clock, random: () => 0.5, fetch, ...options })
    [Symbol.asyncIterator]();
  return {
    clock,
    server,
    network,
    next: async () => (await clock.until(iterator.next())).value,
    indexes: () => server.urls.map(({ searchParams }) => searchParams.get("index")),
    [Symbol.asyncDispose]: async () => void await iterator.return?.(),
  };
}

test("consul queries healthy instances, the first time without waiting", async () => {
  await using peers = watching({ tag: "blue", datacenter: "dc1", waitMs: 30_000 });
  peers.server.set([
    { address: "10.0.0.2", port: 8080, tags: ["blue"] },
    { address: "", nodeAddress: "fd00::1", port: 8081, tags: ["blue"] },
    { address: "10.0.0.3", port: 8080, tags: ["green"] },
    { address: "10.0.0.4", port: 8080, tags: ["blue"], status: "critical" },
    { address: "10.0.0.5", port: 8080, tags: ["blue"], status: "warning" },
  ], 42);
  assertEquals(await peers.next(), ["http://10.0.0.2:8080", "http://[fd00::1]:8081"]);
  await peers.clock.advance(1000);
  assertEquals(peers.server.urls.map((url) => url.search), [
    "?passing=true&tag=blue&dc=dc1",
    "?passing=true&tag=blue&dc=dc1&index=42&wait=30s",
  ]);
});

test("consul repeats its query with the same index when nothing changed in time", async () => {
  await using peers = watching();
  peers.server.set(instancesOf([A]), 42);
  assertEquals(await peers.next(), [A]);
  await peers.clock.advance(130_000);
  assertEquals(peers.indexes(), [null, "42", "42", "42"]);
  peers.server.set(instancesOf([A, B]));
  assertEquals(await peers.next(), [A, B]);
});

test("consul starts over when the index goes backwards", async () => {
  await using peers = watching();
  peers.server.set(instancesOf([A]), 42);
  assertEquals(await peers.next(), [A]);
  await peers.clock.advance(1000);
  peers.server.set(instancesOf([B]), 7);
  assertEquals(await peers.next(), [B]);
  await peers.clock.advance(1000);
  assertEquals(peers.indexes(), [null, "42", null, "7"]);
});

test("consul never waits with an index of 0", async () => {
  await using peers = watching();
  peers.server.set(instancesOf([A]), 0);
  assertEquals(await peers.next(), [A]);
  await peers.clock.advance(1000);
  assertEquals(peers.indexes().slice(0, 2), [null, "1"]);
});

test("consul pauses between queries even if replies come at once", async () => {
  await using peers = watching({ minRetryMs: 1000 });
  peers.server.set(instancesOf([A]), 42);
  assertEquals(await peers.next(), [A]);
  for (let i = 0; i < 100; i++) {
    await peers.clock.advance(50);
    peers.server.wake();
  }
  assert(peers.server.urls.length < 10, `${peers.server.urls.length} requests`);
});

test("consul treats a query that outlasts its wait as a failure", async () => {
  await using peers = watching({ waitMs: 16_000, timeoutMs: 1000 });
  peers.server.set(instancesOf([A]));
  assertEquals(await peers.next(), [A]);
  peers.network.setFault("http://127.0.0.1:8500", "hang");
  await peers.clock.advance(17_000);
  const error = await peers.next();
  assertInstanceOf(error, Error);
  assert(error.message.endsWith("there was no response within 18000 ms"), error.message);
});

test("consul sends its token, and reports why it was refused", async () => {
  await using trusted = watching({ token: "secret" });
  trusted.server.token = "secret";
  trusted.server.set(instancesOf([A]));
  assertEquals(await trusted.next(), [A]);

  await using stranger = watching();
  stranger.server.token = "secret";
  const error = await stranger.next();
  assertInstanceOf(error, Error);
  assert(/replied with status 403: Permission denied/.test(error.message), error.message);
});

test("consul leaves out and reports instances that are invalid", async () => {
  await using peers = watching();
  peers.server.set([
    ...instancesOf([A]),
    { address: "10.0.0.9", port: 0 },
    { address: "not a host", port: 8080 },
    { address: "10.0.0.9", port: 70_000 },
  ]);
  const error = await peers.next();
  assertInstanceOf(error, Error);
  for (const bad of ["http://10.0.0.9:0", "http://not a host:8080", "http://10.0.0.9:70000"]) {
    assert(error.message.includes(bad), error.message);
  }
  assertEquals(await peers.next(), [A]);
});

test("consul leaves out and reports an entry without an instance", async () => {
  const entries = [null, {}, {
    Node: { Address: "10.0.0.1" },
    Service: { Address: "", Port: 8080 },
  }];
  await using peers = watching({ fetch: () => Promise.resolve(Response.json(entries)) });
  assertInstanceOf(await peers.next(), Error);
  assertEquals(await peers.next(), [A]);
});

test("consul reports a reply that is not a list", async () => {
  await using peers = watching({ fetch: () => Promise.resolve(Response.json({ Errors: [] })) });
  const error = await peers.next();
  assertInstanceOf(error, Error);
  assert(error.message.includes("expected an array of instances"), error.message);
});

test("consul works over a real connection", async () => {
  const clock = new VirtualClock();
  const consulServer = new FakeConsul(clock);
  consulServer.set(instancesOf([A]));
  await using server = serve(consulServer.serve);
  const peers = consul({ service: "cache", url: `${server.url}/`, debounceMs: 1, minRetryMs: 1 });
  const lists: unknown[] = [];
  for await (const list of peers) {
    lists.push(list);
    if (lists.length === 1) consulServer.set(instancesOf([A, C]));
    else break;
  }
  consulServer.wake();
  assertEquals(lists, [[A], [A, C]]);
});

const badOptions: { name: string; options: unknown; error: RegExp }[] = [
  { name: "no service", options: {}, error: /service must be a non-empty string/ },
  { name: "no URL", options: { service: "a", url: "a" }, error: /url must be an HTTP URL/ },
  { name: "a short wait", options: { service: "a", waitMs: 1 }, error: /waitMs .* 1000/ },
  { name: "an empty token", options: { service: "a", token: "" }, error: /token must be/ },
  { name: "another protocol", options: { service: "a", protocol: "ws" }, error: /protocol/ },
];

for (const { name, options, error } of badOptions) {
  test(`consul refuses ${name}`, () => {
    const thrown = assertThrows(() => consul(options as ConsulOptions));
    assertInstanceOf(thrown, Error);
    assert(error.test(thrown.message), thrown.message);
  });
}
