/**
 * What differs between the runtimes for discovery, found by looking, and nothing else. A runtime
 * that is neither Deno nor Bun is served as Bun is, as far as it has what Bun has.
 */

import type { Fetch } from "../http/client/connection.ts";
import type { DnsRecord, DnsType } from "./dns.ts";

interface Deno {
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

interface NodeModules {
  "node:dns": { promises: { Resolver: new () => NodeResolver } };
}

const { Deno, Bun, process } = globalThis as {
  Deno?: Deno;
  Bun?: Bun;
  process?: {
    env?: Record<string, string | undefined>;
    getBuiltinModule?<Name extends keyof NodeModules>(name: Name): NodeModules[Name] | undefined;
  };
};

/** Where a name server listens. */
export interface NameServer {
  /** Its address. */
  host: string;
  /** Its port. */
  port: number;
}

/** Asks a name server, by default those of the system. Rejects if there are no such records. */
export async function resolveDns(
  name: string,
  type: DnsType,
  { server, signal }: { server: NameServer | undefined; signal: AbortSignal },
): Promise<DnsRecord[]> {
  if (Deno !== undefined) {
    const nameServer = server && { nameServer: { ipAddr: server.host, port: server.port } };
    return await Deno.resolveDns(name, type, { signal, ...nameServer });
  }
  const node = process?.getBuiltinModule?.("node:dns");
  if (node === undefined) {
    throw new Error("this runtime has no way to ask for DNS records: pass the option resolve");
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

/** The text of a file. */
export async function readText(path: string): Promise<string> {
  if (Deno !== undefined) return await Deno.readTextFile(path);
  if (Bun !== undefined) return await Bun.file(path).text();
  throw new Error("this runtime has no way to read files: pass the option credentials");
}

/** A variable of the environment. */
export function environment(name: string): string | undefined {
  return Deno !== undefined ? Deno.env.get(name) : process?.env?.[name];
}

/** A fetch that trusts a certificate authority, in PEM; `close` when it is needed no more. */
export function fetchTrusting(ca: string): { fetch: Fetch; close: () => void } {
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
