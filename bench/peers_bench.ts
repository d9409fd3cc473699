/**
 * Measures calls between peers, with one table per claim: real processes on 127.0.0.1, values of 1 KiB,
 * compared with a bare `fetch` and, if installed, Go groupcache and Redis.
 *
 *     deno run -A bench/peers_bench.ts [--json] [--auth] [--runtime deno|bun|both] [BAR...]
 *     bun bench/peers_bench.ts [--json] [--auth] [--runtime deno|bun|both] [BAR...]
 *
 * By default the processes measured run on the same runtime as this program. The candidates take turns,
 * and the median of the rounds counts. To run some bars only, name them. With `--auth` our processes
 * prove themselves to each other in all bars. `callers --callers N --bytes N` measures some of its cases;
 * where the other runtime is installed, also with an owner on that one.
 */

import process from "node:process";
import { type Runtime, runtime } from "../tests/runtime.ts";
import type { Bar } from "./peers/bench.ts";
import { authCost } from "./peers/auth_cost.ts";
import { callers } from "./peers/callers.ts";
import { getMany } from "./peers/get_many.ts";
import { handler } from "./peers/handler.ts";
import { hotKey } from "./peers/hot_key.ts";
import { idlePeers } from "./peers/idle_peers.ts";
import { largeBeside } from "./peers/large_beside.ts";
import { localHit } from "./peers/local_hit.ts";
import { findOthers } from "./peers/processes.ts";
import { slowKey } from "./peers/slow_key.ts";
import { zipf } from "./peers/zipf.ts";
import { args, print, printReport, type Report } from "./report.ts";

const BARS: Record<string, Bar> = {
  callers,
  getMany,
  slowKey,
  handler,
  hotKey,
  zipf,
  localHit,
  authCost,
  largeBeside,
  idlePeers,
};

if (args.includes("--auth")) process.env["GROUPCACHE_BENCH_AUTH"] = "1";
const isJson = args.includes("--json");
const told = args[args.indexOf("--runtime") + 1];
const runtimes: Runtime[] = !args.includes("--runtime")
  ? [runtime]
  : told === "both"
  ? ["deno", "bun"]
  : told === "deno" || told === "bun"
  ? [told]
  : [];
if (runtimes.length === 0) throw new Error(`Cannot run the bench on ${told}`);
const named = args.filter((arg) => arg in BARS);

await using stack = new AsyncDisposableStack();
const others = findOthers(stack);
const results: Partial<Record<Runtime, Report[]>> = {};
for (const runtime of runtimes) {
  if (!isJson) print(`\n${runtime}`);
  const reports: Report[] = results[runtime] = [];
  for (const name of named.length > 0 ? named : Object.keys(BARS)) {
    const report = await BARS[name]?.({ runtime, others });
    if (report === undefined) continue;
    reports.push(report);
    if (!isJson) printReport(report);
  }
}
if (isJson) print(JSON.stringify(results, null, 2));
