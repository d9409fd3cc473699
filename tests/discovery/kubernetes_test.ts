import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kubernetes, type KubernetesOptions } from "../../lib/discovery/kubernetes.ts";
import { MemoryNetwork } from "../../lib/testing/memory_network.ts";
import { VirtualClock } from "../../lib/testing/virtual_clock.ts";
import { test } from "../runtime.ts";
import { BreakableFetch } from "./breakable.ts";
import { A, B, C, conforms } from "./conformance.ts";
import { FakeKubernetes, type Slice } from "./fake_kubernetes.ts";
import { findProgram, run, testWith } from "./services.ts";

const API = "https://10.96.0.1:443";

const sliceOf = (peers: readonly string[], name = "cache-abcde"): Slice => ({
  metadata: { name },
  addressType: "IPv4",
  endpoints: peers.map((peer) => ({
    addresses: [new URL(peer).hostname],
    conditions: { ready: true },
  })),
  ports: [{ name: "peers", port: 8080 }],
});

conforms("kubernetes", (peers, options) => {
  const server = new FakeKubernetes(new VirtualClock());
  server.put(sliceOf(peers));
  const network = new MemoryNetwork(options.clock as VirtualClock);
  network.listen("https://10.96.0.1", server.serve);
  const line = new BreakableFetch(network.fetch);
  return {
    discovery: kubernetes({
      ...options,
      service: "cache",
      namespace: "default",
      apiServer: API,
      credentials: () => ({}),
      fetch: line.fetch,
    }),
    set: (changed) => server.put(sliceOf(changed)),
    setBroken: (isBroken) => line.setBroken(isBroken),
    requests: () => line.requests,
  };
});

/** A source, its server and their clock. */
function watching(options: Partial<KubernetesOptions> = {}) {
  const clock = new VirtualClock();
  const server = new FakeKubernetes(clock);
  const network = new MemoryNetwork(clock);
  network.listen("https://10.96.0.1", server.serve);
  const iterator = kubernetes({
    service: "cache",
    namespace: "default",
    apiServer: API,
    credentials: () => ({}),
    clock,
    random: () => 0.5,
    fetch: network.fetch,
    ...options,
  })[Symbol.asyncIterator]();
  return {
    clock,
    server,
    network,
    next: async () => (await clock.until(iterator.next())).value,
    /** The versions from which was watched; null for a list. */
    versions: () => server.queries.map((query) => query.get("resourceVersion")),
    [Symbol.asyncDispose]: async () => void await iterator.return?.(),
  };
}

test("kubernetes combines the ready endpoints of all slices", async () => {
  await using peers = watching();
  peers.server.put({
    metadata: { name: "a" },
    addressType: "IPv4",
    endpoints: [
      { addresses: ["10.0.0.1"], conditions: { ready: true } },
      { addresses: ["10.0.0.8"], conditions: { ready: false } },
      { addresses: ["10.0.0.2", "10.0.0.9"], conditions: {} },
      { addresses: ["10.0.0.3"] },
    ],
    ports: [{ name: "peers", port: 8080 }],
  });
  peers.server.put({ ...sliceOf([A]), metadata: { name: "b" }, endpoints: null });
  peers.server.put({
    metadata: { name: "c" },
    addressType: "IPv6",
    endpoints: [{ addresses: ["fd00::1"] }],
    ports: [{ name: "peers", port: 8080 }],
  });
  assertEquals(await peers.next(), [A, B, C]);
  peers.server.put(sliceOf([C], "d"));
  peers.server.delete("a");
  assertEquals(await peers.next(), [C]);
});

const ports: { name: string; options: Partial<KubernetesOptions>; list: string[] }[] = [
  { name: "the first port", options: {}, list: ["http://10.0.0.1:80"] },
  { name: "a port by its name", options: { port: "peers" }, list: ["http://10.0.0.1:8080"] },
  { name: "a port by its number", options: { port: 99 }, list: ["http://10.0.0.1:99"] },
  {
    name: "addresses of IPv6 and HTTPS",
    options: { addressType: "IPv6", protocol: "https", port: 443 },
    list: ["https://[fd00::1]:443"],
  },
];

for (const { name, options, list } of ports) {
  test(`kubernetes takes ${name}`, async () => {
    await using peers = watching(options);
    const ports = [{ name: "web", port: 80 }, { name: "peers", port: 8080 }];
    peers.server.put({ ...sliceOf([A], "a"), ports });
    const endpoints = [{ addresses: ["fd00::1"] }];
    peers.server.put({ metadata: { name: "b" }, addressType: "IPv6", endpoints, ports });
    assertEquals(await peers.next(), list);
  });
}

test("kubernetes leaves out and reports endpoints that are invalid", async () => {
  await using peers = watching();
  const bad = sliceOf([B], "bad");
  peers.server.put({ ...bad, ports: [{ name: "peers", port: 0 }] });
  peers.server.put({ ...bad, metadata: { name: "worse" }, endpoints: [{ addresses: ["a b"] }] });
  peers.server.put({ ...bad, metadata: { name: "worst" }, endpoints: [{}] as Slice["endpoints"] });
  peers.server.put(sliceOf([A]));
  const error = await peers.next();
  assertInstanceOf(error, Error);
  for (const url of ["http://10.0.0.2:0", "http://a b:8080"]) {
    assert(error.message.includes(url), error.message);
  }
  assertEquals(await peers.next(), [A]);
});

test("kubernetes lists page by page", async () => {
  await using peers = watching();
  peers.server.page = 2;
  for (let i = 1; i <= 5; i++) peers.server.put(sliceOf([`http://10.0.0.${i}:1`], `slice-${i}`));
  assertEquals((await peers.next()).length, 5);
  await peers.clock.advance(1);
  assertEquals(peers.versions(), [null, null, null, "105"]);
});

test("kubernetes continues at the last version when a watch ends", async () => {
  await using peers = watching({ watchMs: 60_000 });
  peers.server.put(sliceOf([A]));
  assertEquals(await peers.next(), [A]);
  await peers.clock.advance(1);
  peers.server.put(sliceOf([A, B]));
  assertEquals(await peers.next(), [A, B]);
  await peers.clock.advance(60_000);
  peers.server.bookmark();
  peers.server.endWatches();
  // Nobody watches at this moment.
  peers.server.put(sliceOf([A, B, C]));
  assertEquals(await peers.next(), [A, B, C]);
  assertEquals(peers.versions(), [null, "101", "102", "112"]);
});

for (const isGoneByStatus of [true, false]) {
  test(`kubernetes lists again after 410 Gone ${isGoneByStatus ? "as status" : "in the stream"}`, async () => {
    await using peers = watching();
    peers.server.isGoneByStatus = isGoneByStatus;
    peers.server.put(sliceOf([A]));
    assertEquals(await peers.next(), [A]);
    await peers.clock.advance(1);
    peers.server.endWatches();
    peers.server.put(sliceOf([B]));
    peers.server.compact();
    assertEquals(await peers.next(), [B]);
    assertEquals(peers.versions().slice(0, 4), [null, "101", "101", null]);
  });
}

test("kubernetes drops slices that were deleted between watches", async () => {
  await using peers = watching();
  peers.server.put(sliceOf([A], "a"));
  peers.server.put(sliceOf([B], "b"));
  assertEquals(await peers.next(), [A, B]);
  await peers.clock.advance(1);
  peers.server.endWatches();
  peers.server.delete("b");
  peers.server.compact();
  assertEquals(await peers.next(), [A]);
});

test("kubernetes detects a watch whose connection was lost silently", async () => {
  await using peers = watching({ watchMs: 60_000, timeoutMs: 5000 });
  peers.server.put(sliceOf([A]));
  assertEquals(await peers.next(), [A]);
  await peers.clock.advance(1);
  peers.network.setFault("https://10.96.0.1", "hang");
  await peers.clock.advance(66_000);
  const error = await peers.next();
  assertInstanceOf(error, Error);
  assert(error.message.endsWith("there was no response within 5000 ms"), error.message);
});

test("kubernetes reads the token before each request, and reports why it was refused", async () => {
  let token = "old";
  await using peers = watching({ credentials: () => ({ token }) });
  peers.server.token = "old";
  peers.server.put(sliceOf([A]));
  assertEquals(await peers.next(), [A]);
  await peers.clock.advance(1);
  peers.server.token = "new";
  peers.server.endWatches();
  const error = await peers.next();
  assertInstanceOf(error, Error);
  assert(/replied with status 401: .*Unauthorized/.test(error.message), error.message);
  token = "new";
  peers.server.put(sliceOf([B]));
  assertEquals(await peers.next(), [B]);
});

/** Makes a certificate authority, and a certificate for 127.0.0.1 by it. */
async function certify(folder: string, name: string) {
  const openssl = findProgram("openssl") ?? "";
  const file = (suffix: string) => join(folder, `${name}.${suffix}`);
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  await run(openssl, [
    ..."req -x509 -days 2".split(" "),
    ...key,
    ...["-subj", `/CN=${name}`, "-keyout", file("ca.key"), "-out", file("ca.crt")],
  ], folder);
  await run(openssl, [
    "req",
    ...key,
    ...["-subj", "/CN=127.0.0.1", "-keyout", file("key"), "-out", file("csr")],
  ], folder);
  await writeFile(file("ext"), "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n");
  await run(openssl, [
    ..."x509 -req -days 2 -CAcreateserial".split(" "),
    ...["-in", file("csr"), "-CA", file("ca.crt"), "-CAkey", file("ca.key")],
    ...["-extfile", file("ext"), "-out", file("crt")],
  ], folder);
  const read = (suffix: string) => readFile(file(suffix), "utf8");
  return { ca: await read("ca.crt"), cert: await read("crt"), key: await read("key") };
}

testWith(
  "openssl",
  "kubernetes trusts the given certificate authority, and the next one after a rotation",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "groupcache-ca-"));
    const first = await certify(folder, "first");
    const second = await certify(folder, "second");
    let current = first;
    const api = new FakeKubernetes(new VirtualClock());
    api.put(sliceOf([A]));
    const listen = async ({ cert, key }: typeof first, port = 0) => {
      // Watches end at once, so that each list is a new request.
      const server = createServer({ cert, key }, async (incoming, outgoing) => {
        const url = `https://127.0.0.1${incoming.url}`;
        outgoing.setHeader("connection", "close");
        if (url.includes("watch=true")) outgoing.statusCode = 410;
        else outgoing.write(await api.serve(new Request(url)).text());
        outgoing.end();
      });
      await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
      const close = () => new Promise((resolve) => server.close(resolve));
      return { port: (server.address() as AddressInfo).port, close };
    };
    const server = await listen(first);
    const iterator = kubernetes({
      service: "cache",
      namespace: "default",
      apiServer: `https://127.0.0.1:${server.port}`,
      credentials: () => ({ ca: current.ca }),
      debounceMs: 1,
      minRetryMs: 5,
      maxRetryMs: 20,
    })[Symbol.asyncIterator]();
    assertEquals((await iterator.next()).value, [A]);

    // The server now has a certificate of the second authority, and nobody was told.
    await server.close();
    const next = await listen(second, server.port);
    assertInstanceOf((await iterator.next()).value, Error);
    current = second;
    api.put(sliceOf([B]));
    for (;;) {
      const { value } = await iterator.next();
      if (!(value instanceof Error)) {
        assertEquals(value, [B]);
        break;
      }
    }
    await iterator.return?.();
    await next.close();
    await rm(folder, { recursive: true });
  },
);

test("kubernetes reports that it does not run in a pod", async () => {
  const iterator = kubernetes({ service: "cache", namespace: "default", credentials: () => ({}) })
    [Symbol.asyncIterator]();
  const { value } = await iterator.next();
  assertInstanceOf(value, Error);
  assert(value.message.includes("does not run in a pod"), value.message);
  await iterator.return?.();
});

const badOptions: { name: string; options: unknown; error: RegExp }[] = [
  { name: "no service", options: {}, error: /service must be a non-empty string/ },
  { name: "a bad port", options: { service: "a", port: 0 }, error: /port must be a port/ },
  { name: "other addresses", options: { service: "a", addressType: "FQDN" }, error: /"FQDN"/ },
  { name: "no URL", options: { service: "a", apiServer: "a" }, error: /apiServer must be/ },
  { name: "a token as such", options: { service: "a", credentials: "a" }, error: /a function/ },
  { name: "a short watch", options: { service: "a", watchMs: 1 }, error: /watchMs .* 1000/ },
];

for (const { name, options, error } of badOptions) {
  test(`kubernetes refuses ${name}`, () => {
    const thrown = assertThrows(() => kubernetes(options as KubernetesOptions));
    assertInstanceOf(thrown, Error);
    assert(error.test(thrown.message), thrown.message);
  });
}
