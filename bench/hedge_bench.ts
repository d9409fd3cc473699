/**
 * Measures what hedging gains and costs: real processes on 127.0.0.1, values of 1 KiB.
 *
 *     deno run -A bench/hedge_bench.ts [--json] [--runtime deno|bun]
 *     bun bench/hedge_bench.ts [--json] [--runtime deno|bun]
 *
 * By default the processes measured run on the same runtime as this program.
 */

import { findRuntime, type Runtime, runtime } from "../tests/runtime.ts";
import { cost } from "./hedge/cost.ts";
import { startHedgingCluster } from "./hedge/processes.ts";
import { stalls } from "./hedge/stalls.ts";
import { args, print, printReport, type Report } from "./report.ts";

const isJson = args.includes("--json");
const told = args.includes("--runtime") ? args[args.indexOf("--runtime") + 1] : runtime;
if (told !== "deno" && told !== "bun" || findRuntime(told as Runtime) === undefined) {
  throw new Error(`Cannot run the bench on ${told}`);
}
if (!isJson) print(`\n${told}`);
await using stack = new AsyncDisposableStack();
const cluster = await startHedgingCluster(told, stack);
const reports: Report[] = [];
for (const bar of [stalls, cost]) {
  const report = await bar(cluster);
  reports.push(report);
  if (!isJson) printReport(report);
}
if (isJson) print(JSON.stringify({ [told]: reports }, null, 2));
