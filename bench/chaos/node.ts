/**
 * One process of a cluster with callers of its own. It prints what they see, and is told over HTTP
 * what to do. Its standard input is closed when the process that started it has gone, and then it
 * goes as well.
 *
 *     node.ts '{"self":…,"peers":…,"origin":…}'
 *
 * @module
 */

import process from "node:process";
import { GroupCache, type GroupStats, text } from "../../mod.ts";
import { serve } from "../../tests/runtime.ts";
import { print } from "../store/report.ts";
import { Callers, type Demand } from "./callers.ts";
import { type CutKind, Faults } from "./faults.ts";

/** What a process is started with. */
export interface NodeOptions {
  self: string;
  peers: readonly string[];
  /** The URL of what values are loaded from. */
  origin: string;
}

/** What a process can be told, and what it answers. */
export interface Control {
  /** Have callers make calls. */
  start(order: Demand): void;
  /** Have them stop, and print that they have under this name. */
  stop(order: { name: string }): void;
  /** Get keys at once. Returns what went wrong. */
  get(order: { keys: string[] }): string[];
  setPeers(order: { peers: readonly string[] }): void;
  /** Cut off these peers, and no others. */
  cut(order: { urls: readonly string[]; kind: CutKind }): void;
  /** Forget which peers have asked for keys. */
  forgetAskers(order: Record<string, never>): void;
  /** How many peers have asked for keys since then. */
  askers(order: Record<string, never>): number;
  stats(order: Record<string, never>): GroupStats;
  /** Leave the cluster and end. */
  leave(order: { drainMs: number }): void;
}

const { self, peers, origin } = JSON.parse(process.argv.at(-1) ?? "") as NodeOptions;
const faults = new Faults();
const cache = new GroupCache({ self, peers, fetch: faults.fetch });
const group = cache.group("values", {
  maxBytes: 64 << 20,
  codec: text,
  // Mirrors would hide what becomes of a key when its owner goes.
  mirrorMinuteQps: Infinity,
  load: async (key, { signal }) => {
    const query = new URLSearchParams({ key, by: self });
    const response = await fetch(`${origin}/?${query}`, { signal });
    return await response.text();
  },
});

const askers = new Set<string>();
let callers: Callers | undefined;

const commands: { [Name in keyof Control]: (order: never) => unknown } = {
  start(demand: Demand) {
    callers = new Callers(
      demand,
      (key) => group.get(key),
      (sample) => print(JSON.stringify(sample)),
    );
  },

  async stop({ name }: { name: string }) {
    await callers?.stop();
    callers = undefined;
    print(`stopped ${name}`);
  },

  async get({ keys }: { keys: string[] }) {
    const outcomes = await Promise.allSettled(keys.map((key) => group.get(key)));
    return outcomes.flatMap((outcome) =>
      outcome.status === "rejected" ? [String(outcome.reason)] : []
    );
  },

  setPeers: ({ peers }: { peers: readonly string[] }) => cache.setPeers(peers),
  cut: ({ urls, kind }: { urls: string[]; kind: CutKind }) => faults.cut(urls, kind),
  forgetAskers: () => askers.clear(),
  askers: () => askers.size,
  stats: () => group.stats(),

  leave({ drainMs }: { drainMs: number }) {
    // Without an await: what is in flight has to be answered although the cache is closing.
    const stopped = callers?.stop();
    Promise.all([stopped, cache.close({ drainMs })]).then(() => process.exit());
  },
};

async function control(request: Request): Promise<Response> {
  const { command, order } = await request.json() as { command: keyof Control; order: never };
  try {
    return Response.json(await commands[command](order) ?? null);
  } catch (error) {
    return Response.json(String(error), { status: 500 });
  }
}

const { hostname, port } = new URL(self);
serve((request, info) => {
  const { pathname } = new URL(request.url);
  if (pathname === "/control") return control(request);
  const asker = request.headers.get("groupcache-from");
  // A peer that only says hello does not use this process yet.
  if (asker !== null && pathname.startsWith("/_groupcache/values/")) askers.add(asker);
  return cache.fetch(request, info);
}, { hostname, port: Number(port) });
process.stdin.on("end", () => process.exit()).resume();
print(`serving ${self}`);
