/**
 * One process of a cluster, with callers of its own. It prints what they see and takes commands over HTTP.
 * It exits when its standard input is closed, which happens when its parent has died.
 *
 *     node.ts '{"self":…,"peers":…,"origin":…}'
 *
 * @module
 */

import process from "node:process";
import { GroupCache, type GroupStats, text } from "../../mod.ts";
import { serve } from "../../tests/runtime.ts";
import { print } from "../report.ts";
import { Callers, type Demand } from "./callers.ts";
import { type CutKind, Faults } from "./faults.ts";

/** The arguments of a process. */
export interface NodeOptions {
  self: string;
  peers: readonly string[];
  /** The URL of the origin. */
  origin: string;
}

/** The commands that a process takes, and their results. */
export interface Control {
  /** Start callers. */
  start(order: Demand): void;
  /** Stop them, and then print this name. */
  stop(order: { name: string }): void;
  /** Get keys concurrently. Returns the errors. */
  get(order: { keys: string[] }): string[];
  setPeers(order: { peers: readonly string[] }): void;
  /** Cut off exactly these peers. */
  cut(order: { urls: readonly string[]; kind: CutKind }): void;
  /** Forget which peers have requested keys. */
  forgetAskers(order: Record<string, never>): void;
  /** How many peers have requested keys since then. */
  askers(order: Record<string, never>): number;
  stats(order: Record<string, never>): GroupStats;
  /** Leave the cluster and exit. */
  leave(order: { drainMs: number }): void;
}

const { self, peers, origin } = JSON.parse(process.argv.at(-1) ?? "") as NodeOptions;
const faults = new Faults();
const cache = new GroupCache({ self, peers, fetch: faults.fetch });
const group = cache.group("values", {
  maxBytes: 64 << 20,
  codec: text,
  // Mirrors would hide what happens to a key when its owner leaves.
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
    // Not awaited: calls in flight must be answered although the cache is closing.
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
  // A peer that only sent a hello does not use this process yet.
  if (asker !== null && pathname.startsWith("/_groupcache/values/")) askers.add(asker);
  return cache.fetch(request, info);
}, { hostname, port: Number(port) });
process.stdin.on("end", () => process.exit()).resume();
print(`serving ${self}`);
