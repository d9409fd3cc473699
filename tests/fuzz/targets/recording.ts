import { type AuthOptions, GroupCache, GroupCacheError, text } from "@groupcache/groupcache";

/** A request between real caches, and its reply. */
export interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array<ArrayBuffer> | undefined;
  readonly reply: Reply;
}

export interface Reply {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array<ArrayBuffer>;
}

export const SELF = "http://self:8080";
export const OTHER = "http://other:8080";
export const BASE = "/_groupcache/";
export const GROUP = "texts";

/** What a case may run with; the recorded processes prove themselves to each other. */
export const AUTH: readonly (AuthOptions | undefined)[] = [
  undefined,
  { secrets: ["a secret of all processes"], mode: "send" },
  { secrets: ["a secret of all processes"], mode: "require" },
];

/** Loads values of all kinds: missing, broken, large, and short ones. */
export function load(key: string): string | undefined {
  if (key.startsWith("missing")) return undefined;
  if (key.startsWith("broken")) throw new GroupCacheError("load-failed", "the origin is down");
  return key.startsWith("large") ? "large ".repeat(500) : `value of ${key}`;
}

/** Names of which some are owned by each of two processes. */
export const KEYS: readonly string[] = ["key", "missing", "broken", "large", "a/b", ".", "é"]
  .flatMap((name) => Array.from({ length: 6 }, (_, i) => name === "." ? "." : `${name} ${i}`));

/** A cache with the group, whose only peer is never there. */
export function createCache(auth?: AuthOptions): GroupCache {
  const fetch = () => Promise.reject(new TypeError("connection refused"));
  const options = { self: SELF, peers: [SELF, OTHER], fetch, log: false as const };
  const cache = new GroupCache(auth === undefined ? options : { ...options, auth });
  cache.group(GROUP, { maxBytes: 1 << 20, codec: text, load, ttlMs: 60_000 });
  return cache;
}

let recorded: Promise<readonly Exchange[]> | undefined;

/** What two caches say to each other while all calls are made, without and with proofs. */
export function recordExchanges(): Promise<readonly Exchange[]> {
  return recorded ??= Promise.all(AUTH.map(record)).then((all) => all.flat());
}

async function record(auth: AuthOptions | undefined): Promise<readonly Exchange[]> {
  const exchanges: Exchange[] = [];
  const caches = new Map<string, GroupCache>();
  const fetch = async (url: string, init: RequestInit = {}): Promise<Response> => {
    const { signal: _, ...sent } = init;
    const request = new Request(url, sent);
    const { pathname, origin } = new URL(url);
    const body = request.body === null ? undefined : await request.clone().bytes();
    const response = await (caches.get(origin) as GroupCache).fetch(request);
    const bytes = await response.bytes();
    const { method } = request;
    const { status } = response;
    const reply = { status, headers: [...response.headers], body: bytes };
    exchanges.push({ method, path: pathname, headers: [...request.headers], body, reply });
    return new Response(bytes, { status, headers: response.headers });
  };
  const peers = [SELF, OTHER];
  for (const self of peers) {
    const options = { self, peers, fetch, log: false as const };
    caches.set(self, new GroupCache(auth === undefined ? options : { ...options, auth }));
  }
  const groups = [...caches.values()].map((cache) =>
    cache.group(GROUP, { maxBytes: 1 << 20, codec: text, load, ttlMs: 60_000 })
  );
  for (const group of groups) {
    for (const key of KEYS) await group.get(key).catch(() => {});
    await group.getMany(KEYS, { settled: true });
    await group.set("key 1", "set");
    await group.set(".", "set");
    await group.remove("key 2");
  }
  for (const cache of caches.values()) {
    await cache.reports();
    await cache.inspect(GROUP, "key 1");
  }
  for (const cache of caches.values()) await cache.close({ drainMs: 1000 });
  return exchanges;
}
