/**
 * Everything in which the runtimes differ, found by feature detection. A runtime that is neither
 * Deno nor Bun is treated as Bun, as far as it has what Bun has.
 */

/**
 * A function like `globalThis.fetch`.
 *
 * @example
 * ```ts
 * import { type Fetch, GroupCache } from "@groupcache/groupcache";
 *
 * const counting: Fetch = (input, init) => {
 *   console.debug(`request to ${input}`);
 *   return fetch(input, init);
 * };
 *
 * await using _cache = new GroupCache({ fetch: counting });
 * ```
 */
export type Fetch = (input: string, init?: RequestInit) => Promise<Response>;

/**
 * The types of DNS records that list peers.
 *
 * @example
 * ```ts
 * import { dns, type DnsType } from "@groupcache/groupcache/discovery";
 *
 * const type: DnsType = "SRV";
 * const _peers = dns({ name: "_http._tcp.cache.default.svc.cluster.local", type });
 * ```
 */
export type DnsType = "A" | "AAAA" | "SRV";

/**
 * An address, or the target and port of an SRV record.
 *
 * @example
 * ```ts
 * import type { DnsRecord } from "@groupcache/groupcache/discovery";
 *
 * const _records: DnsRecord[] = ["10.0.0.1", { target: "cache-0.example.com.", port: 8080 }];
 * ```
 */
export type DnsRecord = string | { target: string; port: number };

/**
 * The address and port of a name server.
 *
 * @example
 * ```ts
 * import { dns, type NameServer } from "@groupcache/groupcache/discovery";
 *
 * const server: NameServer = { host: "127.0.0.1", port: 8600 }; // A Consul agent, say.
 * const _peers = dns({ name: "cache.service.consul", port: 8080, server });
 * ```
 */
export interface NameServer {
  /** Its IP address. */
  host: string;
  /** Its port. */
  port: number;
}

interface Deno {
  unrefTimer?(timer: unknown): void;
  resolveDns(
    name: string,
    type: DnsType,
    options: { signal: AbortSignal; nameServer?: { ipAddr: string; port: number } },
  ): Promise<DnsRecord[]>;
  readTextFile(path: string): Promise<string>;
  env: { get(name: string): string | undefined };
  createHttpClient(options: { caCerts: string[] }): { close(): void };
}

interface Bun {
  file(path: string): { text(): Promise<string> };
}

interface NodeResolver {
  setServers(servers: string[]): void;
  resolve4(name: string): Promise<string[]>;
  resolve6(name: string): Promise<string[]>;
  resolveSrv(name: string): Promise<{ name: string; port: number }[]>;
  cancel(): void;
}

interface NodeProcess {
  env?: Record<string, string | undefined>;
  getBuiltinModule?(
    name: "node:dns",
  ): { promises: { Resolver: new () => NodeResolver } } | undefined;
}

function globals(): { Deno?: Deno; Bun?: Bun; process?: NodeProcess } {
  return globalThis;
}

/**
 * Calls `callback` in a later turn of the event loop, after what has arrived meanwhile was read.
 * `setImmediate` is not a web standard, but Deno, Bun and Node have it; messages take 4 times as long.
 */
export function nextTurn(callback: () => void): void {
  const { setImmediate } = globalThis as { setImmediate?: (callback: () => void) => void };
  if (setImmediate === undefined) globalThis.setTimeout(callback, 0);
  else setImmediate(callback);
}

/**
 * Lifts the server's idle timeout from a request. Bun ends a request that has written nothing for 10
 * seconds, unless the server, which it passes to `fetch` as the second argument, is told otherwise.
 */
export function keepOpen(request: Request, info: unknown): void {
  if (typeof info !== "object" || info === null || !("timeout" in info)) return;
  if (typeof info.timeout === "function") info.timeout(request, 0);
}

/** Lets the process exit while a timer is pending. */
export function unrefTimer(timer: unknown): void {
  if (typeof timer === "object" && timer !== null && "unref" in timer) {
    if (typeof timer.unref === "function") timer.unref();
    return;
  }
  // Timers were numbers before Deno 2.8.
  globals().Deno?.unrefTimer?.(timer);
}

/** Queries a name server, by default those of the system. Rejects if there are no such records. */
export async function resolveDns(
  name: string,
  type: DnsType,
  { server, signal }: { server: NameServer | undefined; signal: AbortSignal },
): Promise<DnsRecord[]> {
  const { Deno, process } = globals();
  if (Deno !== undefined) {
    const nameServer = server && { nameServer: { ipAddr: server.host, port: server.port } };
    return await Deno.resolveDns(name, type, { signal, ...nameServer });
  }
  const node = process?.getBuiltinModule?.("node:dns");
  if (node === undefined) {
    throw new Error("this runtime cannot query DNS: pass the option resolve");
  }
  const resolver = new node.promises.Resolver();
  if (server !== undefined) {
    const host = server.host.includes(":") ? `[${server.host}]` : server.host;
    resolver.setServers([`${host}:${server.port}`]);
  }
  const cancel = (): void => resolver.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    if (type === "A") return await resolver.resolve4(name);
    if (type === "AAAA") return await resolver.resolve6(name);
    return (await resolver.resolveSrv(name)).map(({ name, port }) => ({ target: name, port }));
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

/** Reads a file as text. */
export async function readText(path: string): Promise<string> {
  const { Deno, Bun } = globals();
  if (Deno !== undefined) return await Deno.readTextFile(path);
  if (Bun !== undefined) return await Bun.file(path).text();
  throw new Error("this runtime cannot read files: pass the option credentials");
}

/** Reads an environment variable. */
export function environment(name: string): string | undefined {
  const { Deno, process } = globals();
  return Deno !== undefined ? Deno.env.get(name) : process?.env?.[name];
}

/** A fetch that trusts a certificate authority, given in PEM. `close` releases its connections. */
export function fetchTrusting(ca: string): { fetch: Fetch; close: () => void } {
  const { Deno } = globals();
  if (Deno !== undefined) {
    const client = Deno.createHttpClient({ caCerts: [ca] });
    const fetch: Fetch = (input, init) =>
      globalThis.fetch(input, { ...init, client } as RequestInit);
    return { fetch, close: () => client.close() };
  }
  const fetch: Fetch = (input, init) =>
    globalThis.fetch(input, { ...init, tls: { ca } } as RequestInit);
  return { fetch, close: () => {} };
}
