/**
 * Floods a process of a cluster with 50,000 bad requests of all kinds, beside normal traffic: how much
 * longer that takes, and what memory stays taken. A flood of the same requests to a path that is not the
 * cache's comes first: what that costs is the server's and the flooding client's share.
 *
 *     deno run -A bench/flood_bench.ts [--runtime deno|bun|both] [--per-second N] [--requests N]
 *         [--auth with|without] [--kinds]
 *
 * `--kinds` finds the kind that costs most: one flood for each, in which it takes its turn among as many
 * harmless requests as there are other kinds.
 */

import process from "node:process";
import { spawn } from "../tests/processes/child.ts";
import { type Runtime, runtime } from "../tests/runtime.ts";
import { BAD_REQUESTS, type BadRequest } from "./flood/requests.ts";
import { type Node, started } from "./peers/processes.ts";
import { printReport, round, type Row } from "./report.ts";

const CALM_MS = 10_000;
const MAX_P99_TIMES = 2;
const MAX_MEMORY_TIMES = 1.05;

const args = process.argv.slice(2);
const valueOf = (name: string) => args.includes(name) ? args[args.indexOf(name) + 1] : undefined;
const perSecond = Number(valueOf("--per-second") ?? 1000);
const requests = Number(valueOf("--requests") ?? 50_000);
const told = valueOf("--runtime") ?? runtime;
const runtimes = (told === "both" ? ["deno", "bun"] : [told]) as Runtime[];

const toldAuth = valueOf("--auth");
const auths = toldAuth === undefined ? [true, false] : [toldAuth === "with"];

interface Latencies {
  p99: number;
  gets: number;
  failures: number;
}

interface Memory {
  /** What the system has given to the process, in bytes. */
  rss: number;
  /** What it uses of that for values and objects, in bytes. */
  used: number;
}

const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Sends requests at a steady rate. Returns how often each status came.
 *
 * @param kinds What to send in turn.
 */
async function flood(
  url: string,
  count: number,
  kinds: readonly BadRequest[],
): Promise<Map<number, number>> {
  const statuses = new Map<number, number>();
  const startMs = performance.now();
  const pending = new Set<Promise<void>>();
  for (let number = 0; number < count; number++) {
    const [path, init] = (kinds[number % kinds.length] as BadRequest).make(number);
    const sent = fetch(url + path, { ...init, signal: AbortSignal.timeout(30_000) })
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

/** The same requests to a path of the application, where the server answers 404 and reads nothing. */
const HARMLESS: readonly BadRequest[] = BAD_REQUESTS.map(({ name, make }) => ({
  name,
  make: (number) => ["/none", make(number)[1]],
}));

/** Starts a process that calls, and one to flood. */
async function startNodes(
  runtime: Runtime,
  withAuth: boolean,
  stack: AsyncDisposableStack,
): Promise<[caller: Node, flooded: Node]> {
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
  const peers = nodes.map(({ url }) => `peer=${encodeURIComponent(url)}`).join("&");
  for (const { url } of nodes) await fetch(`${url}/join?${peers}`);
  await later(3000);
  return nodes;
}

async function measure(runtime: Runtime, withAuth: boolean): Promise<Row> {
  await using stack = new AsyncDisposableStack();
  const [caller, flooded] = await startNodes(runtime, withAuth, stack);
  // Once beforehand, so that what a process keeps for good is there.
  await flood(flooded.url, 2000, BAD_REQUESTS);
  await later(1000);
  const memoryBefore = await flooded.ask<Memory>("memory");
  await caller.ask("latencies");
  await later(CALM_MS);
  const calm = await caller.ask<Latencies>("latencies");
  await flood(flooded.url, requests, HARMLESS);
  const harmless = await caller.ask<Latencies>("latencies");
  const startMs = performance.now();
  const statuses = await flood(flooded.url, requests, BAD_REQUESTS);
  const seconds = (performance.now() - startMs) / 1000;
  const during = await caller.ask<Latencies>("latencies");
  await later(12_000);
  const memoryAfter = await flooded.ask<Memory>("memory");
  const times = during.p99 / calm.p99;
  const memoryTimes = memoryAfter.rss / memoryBefore.rss;
  const usedTimes = memoryAfter.used / memoryBefore.used;
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
      "times harmless": round(during.p99 / harmless.p99),
      "memory after": `${round((memoryTimes - 1) * 100, 1)} %`,
      "memory in use after": `${round((usedTimes - 1) * 100, 1)} %`,
    },
    isMet: times <= MAX_P99_TIMES && memoryTimes <= MAX_MEMORY_TIMES && during.failures === 0,
  };
}

/** Floods with each kind in turn. The harmless flood is the first row. */
async function measureKinds(runtime: Runtime, withAuth: boolean): Promise<Row[]> {
  await using stack = new AsyncDisposableStack();
  const [caller, flooded] = await startNodes(runtime, withAuth, stack);
  await flood(flooded.url, 2000, BAD_REQUESTS);
  const rows: Row[] = [];
  const floods = [undefined, ...BAD_REQUESTS.keys()];
  for (const kind of floods) {
    const kinds = HARMLESS.map((harmless, index) =>
      index === kind ? BAD_REQUESTS[index] as BadRequest : harmless
    );
    await caller.ask("latencies");
    const statuses = await flood(flooded.url, requests, kinds);
    const { p99, failures } = await caller.ask<Latencies>("latencies");
    statuses.delete(404);
    rows.push({
      case: kind === undefined ? "harmless only" : BAD_REQUESTS[kind]?.name ?? "",
      figures: {
        "status": [...statuses.keys()].join(" "),
        "p99 ms": round(p99),
        "failed gets": failures,
      },
      isMet: true,
    });
  }
  return rows;
}

for (const runtime of runtimes) {
  if (args.includes("--kinds")) {
    for (const withAuth of auths) {
      printReport({
        bar: `${runtime}: each kind of bad request, ${withAuth ? "with" : "without"} auth`,
        limit: "none: the harmless flood is to compare with",
        rows: await measureKinds(runtime, withAuth),
      });
    }
    continue;
  }
  const rows: Row[] = [];
  for (const withAuth of auths) rows.push(await measure(runtime, withAuth));
  printReport({
    bar: `${runtime}: ${requests} bad requests beside normal traffic`,
    limit: `p99 at most ${MAX_P99_TIMES} times, memory back within 5 %, no get fails`,
    rows,
  });
}
