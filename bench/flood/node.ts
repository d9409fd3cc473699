/** A process of a cluster in normal traffic, told over HTTP what to measure. Argument: whether by auth. */

import process from "node:process";
import { GroupCache } from "../../mod.ts";
import { serve } from "../../tests/runtime.ts";
import { collectGarbage } from "../../tests/security/memory.ts";
import { print } from "../report.ts";

const CALLERS = 8;
/** What a caller waits between two gets, in milliseconds. */
const PAUSE_MS = 2;
const KEYS = 1000;

const auth = process.argv.includes("--auth")
  ? { auth: { secrets: ["the secret of this benchmark"] } }
  : {};
let latencies: number[] = [];
let failures = 0;

const server = serve((request, info) => handle(request, info));
const cache = new GroupCache({ self: server.url, log: false, ...auth });
const group = cache.group("group", {
  maxBytes: 64 << 20,
  mirrorMinuteQps: Infinity,
  maxLoads: 100,
  load: async () => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    return new Uint8Array(1024);
  },
});

async function call(): Promise<never> {
  for (let i = 0;; i++) {
    const startMs = performance.now();
    await group.get(`key ${Math.floor(Math.random() * KEYS)}`).catch(() => failures++);
    latencies.push(performance.now() - startMs);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** The room that V8 has made for new objects under load stays taken; what is in use does not. */
function memory(): { rss: number; used: number } {
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, used: heapUsed + external };
}

async function handle(request: Request, info: unknown): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  switch (pathname) {
    case "/join":
      cache.setPeers(searchParams.getAll("peer"));
      for (let caller = 0; caller < CALLERS; caller++) call();
      return new Response();
    case "/latencies": {
      const sorted = latencies.sort((a, b) => a - b);
      const answer = {
        p99: sorted[Math.floor(sorted.length * 0.99)],
        gets: sorted.length,
        failures,
      };
      latencies = [];
      failures = 0;
      return Response.json(answer);
    }
    case "/memory":
      collectGarbage();
      await new Promise((resolve) => setTimeout(resolve, 500));
      collectGarbage();
      return Response.json(memory());
  }
  return await cache.fetch(request, info);
}

print(`listening on ${server.url}`);
process.stdin.on("end", () => process.exit()).resume();
