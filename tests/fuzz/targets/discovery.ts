import { assert } from "@std/assert";
import {
  consul,
  type Discovery,
  dns,
  type DnsRecord,
  etcd,
  type Fetch,
  kubernetes,
  poll,
  type SourceOptions,
} from "@groupcache/groupcache/discovery";
import { cutStream, mutateBytes, mutateJson } from "../mutate.ts";
import type { Random } from "../random.ts";
import type { FuzzTarget } from "../target.ts";

const PEERS = ["http://10.0.0.1:8080", "http://10.0.0.2:8080"];

const INSTANCES = [
  { Node: { Address: "10.0.0.1" }, Service: { Address: "", Port: 8080 } },
  { Node: { Address: "10.0.0.9" }, Service: { Address: "fd00::1", Port: 8081 } },
];

const SLICE = {
  metadata: { name: "cache-1", resourceVersion: "101" },
  addressType: "IPv4",
  endpoints: [{ addresses: ["10.0.0.1"], conditions: { ready: true } }, {
    addresses: ["10.0.0.2"],
  }],
  ports: [{ name: "peers", port: 8080 }],
};
const SLICES = { metadata: { resourceVersion: "100" }, items: [SLICE, SLICE] };
const SLICE_EVENTS = [
  { type: "ADDED", object: SLICE },
  { type: "BOOKMARK", object: { metadata: { name: "", resourceVersion: "102" } } },
  { type: "DELETED", object: SLICE },
  { type: "ERROR", object: { code: 410, message: "too old" } },
];

const KEY_VALUE = { key: btoa("/groupcache/peers/a"), value: btoa(PEERS[0] as string) };
const RANGE = { header: { revision: "5" }, kvs: [KEY_VALUE, { key: "b" }] };
const ETCD_EVENTS = [
  { result: { events: [{ kv: { ...KEY_VALUE, mod_revision: "6" } }] } },
  { result: { events: [{ type: "DELETE", kv: { ...KEY_VALUE, mod_revision: "7" } }] } },
  { result: { canceled: true, compact_revision: "4" } },
];
const LEASE = { ID: "7", result: { TTL: "15" } };

const RECORDS = ["10.0.0.1", "fd00::1", { target: "a.cache.test.", port: 8080 }];

/** Replies of discovery systems: lists of base URLs, or errors. */
export const discovery: FuzzTarget = {
  name: "discovery",
  weight: 2,
  async run(random) {
    const iterator = random.pick(SOURCES)(random)[Symbol.asyncIterator]();
    check((await iterator.next()).value);
    const second = iterator.next();
    await new Promise((resolve) => setTimeout(resolve, 0));
    await iterator.return?.();
    check((await second).value);
  },
};

function check(item: readonly string[] | Error | undefined): void {
  if (item === undefined) return;
  if (item instanceof Error) {
    assert(item.message.startsWith("Cannot find peers by "), item.message);
    assert(item.message.length < 2000, `${item.message.length} characters`);
    assert(!/\p{Cc}/u.test(item.message), JSON.stringify(item.message));
    return;
  }
  assert(item.length > 0);
  for (const url of item) {
    assert(URL.canParse(url) && new URL(url).origin === new URL(url).href.replace(/\/$/, ""), url);
  }
}

const SOURCES: ((random: Random) => Discovery)[] = [
  (random) =>
    consul({ ...common(random), service: "cache", fetch: replies(random, () => [INSTANCES]) }),
  (random) =>
    kubernetes({
      ...common(random),
      service: "cache",
      namespace: "default",
      apiServer: "https://10.96.0.1",
      credentials: () => ({ token: "t" }),
      fetch: replies(random, (url) => url.includes("watch=true") ? SLICE_EVENTS : [SLICES]),
    }),
  (random) =>
    etcd({
      ...common(random),
      ...random.oneIn(2) ? { self: PEERS[1] as string } : {},
      fetch: replies(random, (url) => {
        if (url.endsWith("/watch")) return ETCD_EVENTS;
        return [url.endsWith("/range") ? RANGE : LEASE];
      }),
    }),
  (random) =>
    dns({
      ...common(random),
      name: "cache.test",
      port: 8080,
      type: "SRV",
      resolve: () => Promise.resolve(mutateJson(RECORDS, random) as DnsRecord[]),
    }),
  (random) => poll(() => mutateJson(PEERS, random) as string[], common(random)),
];

/** Retries and changes come at once, and nothing ever takes too long. */
function common(random: Random): SourceOptions {
  return {
    debounceMs: 1,
    minRetryMs: 1,
    random: () => random.below(1000) / 1000,
    clock: {
      now: () => performance.now(),
      setTimeout: (callback, ms) => ms < 100 ? setTimeout(callback, 0) : undefined,
      clearTimeout: (timer) => clearTimeout(timer as number),
    },
  };
}

/** Sends mutated replies: lines of JSON, with a status and an index that may be odd. */
function replies(random: Random, linesOf: (url: string) => readonly unknown[]): Fetch {
  return (url) => {
    if (random.oneIn(20)) return Promise.reject(new TypeError("fetch failed"));
    const lines = linesOf(url).map((line) => JSON.stringify(mutateJson(line, random)));
    let body = new TextEncoder().encode(`${lines.join("\n")}\n`);
    if (random.oneIn(4)) body = mutateBytes(body, random);
    const index = random.pick(["42", "0", "-1", "x", "1e999"]);
    return Promise.resolve(
      new Response(cutStream(body, random), {
        status: random.oneIn(10) ? random.pick([307, 400, 410, 500]) : 200,
        headers: { "x-consul-index": index },
      }),
    );
  };
}
