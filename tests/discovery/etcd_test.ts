import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { etcd, type EtcdOptions } from "../../lib/discovery/etcd.ts";
import { GroupCache } from "../../lib/group_cache.ts";
import type { Fetch } from "../../lib/runtime.ts";
import { test } from "../runtime.ts";
import { BreakableFetch } from "./breakable.ts";
import { A, B, C, conforms } from "./conformance.ts";
import { type Service, startService, testWith } from "./services.ts";

const PREFIX = "/groupcache/peers/";

/** A cluster of one, and what a test does to it by hand. */
interface Etcd extends AsyncDisposable {
  url: string;
  call: <Answer = unknown>(method: string, body: unknown, token?: string) => Promise<Answer>;
  put: (peer: string) => Promise<unknown>;
  remove: (peer: string) => Promise<unknown>;
}

async function startEtcd(): Promise<Etcd> {
  const service: Service = await startService("etcd", {
    args: ([client, peer], folder) => [
      `--data-dir=${folder}/data`,
      `--listen-client-urls=http://127.0.0.1:${client}`,
      `--advertise-client-urls=http://127.0.0.1:${client}`,
      `--listen-peer-urls=http://127.0.0.1:${peer}`,
      `--initial-advertise-peer-urls=http://127.0.0.1:${peer}`,
      `--initial-cluster=default=http://127.0.0.1:${peer}`,
      // Leases last for at least the time of an election.
      "--heartbeat-interval=20",
      "--election-timeout=200",
    ],
    ready: /ready to serve client requests/,
  });
  const url = `http://127.0.0.1:${service.port}`;
  const call: Etcd["call"] = async (method, body, token) => {
    const headers = new Headers(token === undefined ? {} : { authorization: token });
    const init = { method: "POST", headers, body: JSON.stringify(body) };
    const response = await fetch(`${url}/v3/${method}`, init);
    const answer = await response.json();
    assert(response.ok, `${method}: ${answer.error}`);
    return answer;
  };
  return {
    url,
    call,
    put: (peer) => call("kv/put", { key: btoa(PREFIX + peer), value: btoa(peer) }),
    remove: (peer) => call("kv/deleterange", { key: btoa(PREFIX + peer) }),
    [Symbol.asyncDispose]: async () => await service[Symbol.asyncDispose](),
  };
}

/** Iterates a source for a test. */
function iterate(options: EtcdOptions) {
  const iterator = etcd({ debounceMs: 10, minRetryMs: 10, maxRetryMs: 50, ...options })
    [Symbol.asyncIterator]();
  return {
    /** The next item. */
    next: async () => (await iterator.next()).value,
    /** Waits for a list. */
    until: async (peers: readonly string[]) => {
      for (;;) {
        const { value, done } = await iterator.next();
        assert(!done, "it has ended");
        if (String(value) === String(peers)) return;
      }
    },
    [Symbol.asyncDispose]: async () => void await iterator.return?.(),
  };
}

conforms("etcd", async (peers, options) => {
  const server = await startEtcd();
  let current: readonly string[] = [];
  // All at once: on a slow machine a list in between would be delivered.
  const set = async (changed: readonly string[]): Promise<void> => {
    const key = (peer: string) => btoa(PREFIX + peer);
    const success = [
      ...changed.filter((peer) => !current.includes(peer))
        .map((peer) => ({ requestPut: { key: key(peer), value: btoa(peer) } })),
      ...current.filter((peer) => !changed.includes(peer))
        .map((peer) => ({ requestDeleteRange: { key: key(peer) } })),
    ];
    current = changed;
    if (success.length > 0) await server.call("kv/txn", { success });
  };
  await set(peers);
  const line = new BreakableFetch();
  return {
    discovery: etcd({ ...options, urls: [server.url], fetch: line.fetch }),
    set,
    setBroken: (isBroken) => line.setBroken(isBroken),
    requests: () => line.requests,
    dispose: async () => await server[Symbol.asyncDispose](),
  };
}, { program: "etcd" });

testWith(
  "etcd",
  "etcd registers a process while its source is iterated, and no longer",
  async () => {
    await using server = await startEtcd();
    await using other = iterate({ urls: [server.url], self: B });
    await other.until([B]);
    {
      await using own = iterate({ urls: [`${server.url}/`], self: `${A}/` });
      await own.until([A, B]);
      await other.until([A, B]);
    }
    await other.until([B]);
  },
);

testWith(
  "etcd",
  "etcd has given up its lease when the cache that it serves is closed",
  async () => {
    await using server = await startEtcd();
    const peers = etcd({ urls: [server.url], self: A });
    const cache = new GroupCache({ self: A, peers });
    await using watching = iterate({ urls: [server.url] });
    await watching.until([A]);
    await cache.close();
    assertEquals((await server.call<{ leases?: unknown[] }>("lease/leases", {})).leases, undefined);
  },
);

testWith("etcd", "etcd keeps a live process and drops a dead one", async () => {
  await using server = await startEtcd();
  await using watching = iterate({ urls: [server.url] });
  await using living = iterate({ urls: [server.url], self: A, leaseTtlMs: 1000 });
  await living.until([A]);
  const line = new BreakableFetch();
  const dead = iterate({ urls: [server.url], self: B, leaseTtlMs: 2000, fetch: line.fetch });
  await dead.until([A, B]);
  line.setBroken(true);
  await watching.until([A, B]);
  assertEquals(await watching.next(), [A]);
  await dead[Symbol.asyncDispose]();
});

testWith("etcd", "etcd registers again when its key, its value or its lease is gone", async () => {
  await using server = await startEtcd();
  let registered = Promise.withResolvers<void>();
  const seeing: Fetch = async (input, init) => {
    const response = await fetch(input, init);
    if (input.endsWith("/kv/put")) registered.resolve();
    return response;
  };
  await using own = iterate({ urls: [server.url], self: A, leaseTtlMs: 1000, fetch: seeing });
  assertEquals(await own.next(), [A]);

  registered = Promise.withResolvers();
  await server.remove(A);
  await registered.promise;

  registered = Promise.withResolvers();
  await server.call("kv/put", { key: btoa(PREFIX + A), value: btoa("nonsense") });
  await registered.promise;

  registered = Promise.withResolvers();
  const { leases } = await server.call<{ leases: { ID: string }[] }>("lease/leases", {});
  for (const { ID } of leases) await server.call("lease/revoke", { ID });
  await registered.promise;
  await server.put(B);
  await own.until([A, B]);
});

testWith("etcd", "etcd lists again when the changes have been compacted", async () => {
  await using server = await startEtcd();
  await server.put(A);
  let isCompacted = false;
  const compacting: Fetch = async (input, init) => {
    if (input.endsWith("/watch") && !isCompacted) {
      isCompacted = true;
      await server.put(B);
      await server.remove(A);
      const { header } = await server.call<{ header: { revision: string } }>("kv/range", {
        key: btoa("any"),
      });
      await server.call("kv/compaction", { revision: header.revision });
    }
    return await fetch(input, init);
  };
  await using peers = iterate({ urls: [server.url], fetch: compacting });
  assertEquals(await peers.next(), [A]);
  assertEquals(await peers.next(), [B]);
  await server.put(C);
  assertEquals(await peers.next(), [B, C]);
});

testWith("etcd", "etcd uses the next member when one is down", async () => {
  await using server = await startEtcd();
  await server.put(A);
  await using peers = iterate({ urls: ["http://127.0.0.1:1", server.url] });
  assertInstanceOf(await peers.next(), Error);
  assertEquals(await peers.next(), [A]);
});

testWith("etcd", "etcd lists nothing outside its prefix", async () => {
  await using server = await startEtcd();
  for (const key of ["/groupcache/peers", "/groupcache/peers0", "/groupcache/peert", "/"]) {
    await server.call("kv/put", { key: btoa(key), value: btoa(C) });
  }
  await server.put(A);
  await using peers = iterate({ urls: [server.url] });
  assertEquals(await peers.next(), [A]);
});

testWith("etcd", "etcd leaves out and reports invalid values under its prefix", async () => {
  await using server = await startEtcd();
  await server.put("nonsense");
  await server.put("http://a/path");
  await server.put(A);
  await using peers = iterate({ urls: [server.url] });
  const error = await peers.next();
  assertInstanceOf(error, Error);
  assertEquals(
    error.message,
    'Cannot find peers by etcd: expected base URLs such as "http://10.0.0.1:8080": received ' +
      '"http://a/path", "nonsense"',
  );
  assertEquals(await peers.next(), [A]);
  await server.put(B);
  await peers.until([A, B]);
});

testWith("etcd", "etcd keeps the list when only invalid values are left", async () => {
  await using server = await startEtcd();
  await server.put(A);
  await using peers = iterate({ urls: [server.url] });
  assertEquals(await peers.next(), [A]);
  await server.call("kv/put", { key: btoa(PREFIX + A), value: btoa("nonsense") });
  const error = await peers.next();
  assertInstanceOf(error, Error);
  assert(error.message.endsWith('received "nonsense"'), error.message);
  await server.put(B);
  await peers.until([B]);
});

testWith("etcd", "etcd logs in as a user", async () => {
  await using server = await startEtcd();
  await server.call("auth/role/add", { name: "root" });
  for (const name of ["root", "cache"]) {
    await server.call("auth/user/add", { name, password: "secret" });
  }
  await server.call("auth/user/grant", { user: "root", role: "root" });
  await server.call("auth/role/add", { name: "peers" });
  await server.call("auth/role/grant", {
    name: "peers",
    perm: { permType: "READWRITE", key: btoa(PREFIX), range_end: btoa("/groupcache/peers0") },
  });
  await server.call("auth/user/grant", { user: "cache", role: "peers" });
  await server.call("auth/enable", {});

  const user = { name: "cache", password: "secret" };
  await using own = iterate({ urls: [server.url], self: A, user });
  assertEquals(await own.next(), [A]);

  await using stranger = iterate({ urls: [server.url], user: { ...user, password: "wrong" } });
  const error = await stranger.next();
  assertInstanceOf(error, Error);
  assert(/\/v3\/auth\/authenticate replied with status 400/.test(error.message), error.message);
  await using nobody = iterate({ urls: [server.url] });
  assertInstanceOf(await nobody.next(), Error);
});

const badOptions: { name: string; options: unknown; error: RegExp }[] = [
  { name: "no URLs", options: { urls: [] }, error: /urls must be an array with at least one/ },
  { name: "a URL as a list", options: { urls: "http://a" }, error: /urls must be an array/ },
  { name: "no HTTP URL", options: { urls: ["a:2379"] }, error: /urls must be an HTTP URL/ },
  { name: "an empty prefix", options: { prefix: "" }, error: /prefix must be a non-empty string/ },
  { name: "a self that is no URL", options: { self: "a" }, error: /expected base URLs/ },
  { name: "a short lease", options: { leaseTtlMs: 999 }, error: /leaseTtlMs .* at least 1000/ },
  { name: "a user without password", options: { user: { name: "a" } }, error: /user\.password/ },
];

for (const { name, options, error } of badOptions) {
  test(`etcd refuses ${name}`, () => {
    const thrown = assertThrows(() => etcd(options as EtcdOptions));
    assertInstanceOf(thrown, Error);
    assert(error.test(thrown.message), thrown.message);
  });
}
