/** A process of a cluster that stalls now and then and takes commands over HTTP. */

import process from "node:process";
import { GroupCache, rendezvous } from "../../mod.ts";
import { serve } from "../../tests/runtime.ts";
import { Keys, pause, throughput } from "../peers/calls.ts";
import { VALUE } from "../peers/value.ts";
import { args, print } from "../report.ts";
import { steadyLatencies } from "./steady_latencies.ts";

/** How long a load takes, in milliseconds. */
const LOAD_MS = 5;

let handle = (_request: Request, _info: unknown): Response | Promise<Response> => new Response();
const server = serve((request, info) => handle(request, info));
const cache = new GroupCache({ self: server.url, hedge: args.includes("--hedge") });
const group = cache.group("values", {
  maxBytes: 256 << 20,
  mirrorMinuteQps: Infinity, // Every get goes to the key's owner.
  load: async () => {
    await pause(LOAD_MS);
    return VALUE;
  },
});

let keys = new Keys([]);
let stalledShare = 0;
let stallMs = 0;

const tasks: Record<string, (query: Readonly<Record<string, string>>) => unknown> = {
  peers: ({ urls = "" }) => cache.setPeers(urls.split(",")),

  /** Picks keys for which these processes are the first two in order, and makes their owners load them. */
  keys: async ({ owners = "", count }) => {
    const first = owners.split(",");
    const rank = rendezvous().rank(cache.peers);
    const list: string[] = [];
    for (let i = 0; list.length < Number(count); i++) {
      const [owner = "", next = ""] = rank(`user:${i}`);
      if (first.includes(owner) && first.includes(next)) list.push(`user:${i}`);
    }
    // A few at a time, so that these loads do not make the peer look slow for long.
    for (let i = 0; i < list.length; i += 20) await group.getMany(list.slice(i, i + 20));
    keys = new Keys(list);
  },

  stall: ({ share, ms }) => {
    stalledShare = Number(share);
    stallMs = Number(ms);
  },

  latencies: ({ ms, perSecond }) =>
    steadyLatencies(() => group.get(keys.next()), Number(ms), Number(perSecond)),

  throughput: ({ callers, ms }) =>
    throughput((key) => group.get(key), keys, { callers: Number(callers), ms: Number(ms) }),

  stats: () => group.stats(),
};

const answerPeer = cache.fetch;
handle = async (request, info) => {
  const { pathname, searchParams } = new URL(request.url);
  const task = tasks[pathname.slice(1)];
  if (task === undefined) {
    if (Math.random() < stalledShare) await pause(stallMs);
    return await answerPeer(request, info);
  }
  try {
    return Response.json(await task(Object.fromEntries(searchParams)) ?? null);
  } catch (error) {
    return new Response(String(error), { status: 500 });
  }
};
print(`listening on ${server.url}`);
// Exits together with its parent.
process.stdin.on("end", () => process.exit()).resume();
