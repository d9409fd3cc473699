/**
 * Floods a process of a cluster with 50,000 bad requests of all kinds, beside normal traffic: how much
 * longer that takes, and what memory stays taken. A flood of the same requests to a path that is not the
 * cache's comes first: what that costs is the server's and the flooding client's share.
 *
 *     deno run -A bench/flood_bench.ts [--runtime deno|bun|both] [--per-second N] [--requests N]
 */

import process from "node:process";
import { spawn } from "../tests/processes/child.ts";
import { type Runtime, runtime } from "../tests/runtime.ts";
import { BAD_REQUESTS } from "./flood/requests.ts";
import { type Node, started } from "./peers/processes.ts";
import { printReport, round, type Row } from "./store/report.ts";

const CALM_MS = 10_000;
const MAX_P99_TIMES = 2;
const MAX_MEMORY_TIMES = 1.05;

const args = process.argv.slice(2);
const valueOf = (name: string) => args.includes(name) ? args[args.indexOf(name) + 1] : undefined;
const perSecond = Number(valueOf("--per-second") ?? 1000);
const requests = Number(valueOf("--requests") ?? 50_000);
const told = valueOf("--runtime") ?? runtime;
const runtimes = (told === "both" ? ["deno", "bun"] : [told]) as Runtime[];

interface Latencies {
  p99: number;
  gets: number;
  failures: number;
}

const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A path of the application, where the server answers 404 and reads nothing. */
const HARMLESS_PATH = "/none";

/**
 * Sends bad requests at a steady rate. Returns how often each status came.
 *
 * @param path Where to send them instead.
 */
async function flood(url: string, count: number, path?: string): Promise<Map<number, number>> {
  const statuses = new Map<number, number>();
  const startMs = performance.now();
  const pending = new Set<Promise<void>>();
  for (let number = 0; number < count; number++) {
    const [badPath, init] =
      (BAD_REQUESTS[number % BAD_REQUESTS.length] as (typeof BAD_REQUESTS)[0])(
        number,
      );
    const sent = fetch(url + (path ?? badPath), { ...init, signal: AbortSignal.timeout(30_000) })
      .then(async (response) => {
        await response.arrayBuffer();
        return response.status;
      }, () => 0)
      .then((status) => {
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        pending.delete(sent);
      });
    pending.add(sent);
    const aheadMs = startMs + number / perSecond * 1000 - performance.now();
    if (aheadMs > 1) await later(aheadMs);
    while (pending.size >= 200) await Promise.race(pending);
  }
  await Promise.all(pending);
  return statuses;
}

async function measure(runtime: Runtime, withAuth: boolean): Promise<Row> {
  await using stack = new AsyncDisposableStack();
  const start = async () => {
    const flags = runtime === "deno"
      ? { runtimeArgs: ["run", "-A", "--quiet", "--v8-flags=--expose-gc"] }
      : {};
    const child = spawn("bench/flood/node.ts", {
      runtime,
      args: withAuth ? ["--auth"] : [],
      ...flags,
    });
    return stack.use(await started(child));
  };
  const nodes = [await start(), await start()] as [Node, Node];
  const [caller, flooded] = nodes;
  const peers = nodes.map(({ url }) => `peer=${encodeURIComponent(url)}`).join("&");
  for (const { url } of nodes) await fetch(`${url}/join?${peers}`);
  await later(3000);
  // Once beforehand, so that what a process keeps for good is there.
  await flood(flooded.url, 2000);
  await later(1000);
  const memoryBefore = await flooded.ask<number>("memory");
  await caller.ask("latencies");
  await later(CALM_MS);
  const calm = await caller.ask<Latencies>("latencies");
  await flood(flooded.url, requests, HARMLESS_PATH);
  const harmless = await caller.ask<Latencies>("latencies");
  const startMs = performance.now();
  const statuses = await flood(flooded.url, requests);
  const seconds = (performance.now() - startMs) / 1000;
  const during = await caller.ask<Latencies>("latencies");
  await later(12_000);
  const memoryAfter = await flooded.ask<number>("memory");
  const times = during.p99 / calm.p99;
  const memoryTimes = memoryAfter / memoryBefore;
  return {
    case: withAuth ? "with auth" : "without",
    figures: {
      "requests/s": round(requests / seconds, 0),
      "statuses": [...statuses].sort().map(([status, count]) => `${status}: ${count}`).join(" "),
      "p99 ms, calm": round(calm.p99),
      "p99 ms, harmless flood": round(harmless.p99),
      "p99 ms, flood": round(during.p99),
      "times": round(times),
      "failed gets": during.failures,
      "memory after": `${round((memoryTimes - 1) * 100, 1)} %`,
    },
    isMet: times <= MAX_P99_TIMES && memoryTimes <= MAX_MEMORY_TIMES && during.failures === 0,
  };
}

for (const runtime of runtimes) {
  const rows = [await measure(runtime, true), await measure(runtime, false)];
  printReport({
    bar: `${runtime}: ${requests} bad requests beside normal traffic`,
    limit: `p99 at most ${MAX_P99_TIMES} times, memory back within 5 %, no get fails`,
    rows,
  });
}
