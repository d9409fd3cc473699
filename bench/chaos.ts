/**
 * Checks what holds while processes join, leave and fail, with one table per scenario: real processes on
 * this machine, 200 callers, and an origin that counts loads. Exits with code 1 if a bar is missed.
 *
 *     deno task chaos [--runtime deno|bun|mixed|all] [--scenario NAME] [--json]
 *                     [--network namespaces|faults] [--trace]
 *
 * `--network` selects how the network is split: by namespaces, which requires root, or by faults in the
 * fetch function. `--trace` prints what was loaded twice or failed, and when.
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";
import type { Runtime } from "../tests/runtime.ts";
import { whyNot } from "../tests/runtime.ts";
import type { Cluster } from "./chaos/cluster.ts";
import { freeze } from "./chaos/freeze.ts";
import { grow } from "./chaos/grow.ts";
import { kill } from "./chaos/kill.ts";
import type { NetworkKind } from "./chaos/network.ts";
import { rolling } from "./chaos/rolling.ts";
import type { Scenario } from "./chaos/scenario.ts";
import { split } from "./chaos/split.ts";
import { print, printReport, type Report } from "./report.ts";

/** The time limit for all scenarios on one runtime, in milliseconds. */
const DEADLINE_MS = 120_000;

const SCENARIOS: Record<string, { scenario: Scenario; what: string }> = {
  kill: { scenario: kill, what: "one of five processes is killed every 2 s, and restarted" },
  freeze: { scenario: freeze, what: "one of five processes is frozen for 20 s" },
  split: { scenario: split, what: "the network between five processes splits, and heals" },
  rolling: { scenario: rolling, what: "five processes are restarted one after the other" },
  grow: { scenario: grow, what: "a fourth process joins three" },
};

const MODES: Record<string, readonly Runtime[]> = {
  deno: ["deno"],
  bun: ["bun"],
  mixed: ["deno", "bun"],
};

const { values: args } = parseArgs({
  options: {
    runtime: { type: "string", default: "deno" },
    scenario: { type: "string", multiple: true, default: Object.keys(SCENARIOS) },
    network: { type: "string" },
    json: { type: "boolean", default: false },
    trace: { type: "boolean", default: false },
  },
});
const modes = args.runtime === "all" ? Object.keys(MODES) : args.runtime.split(",");
check("runtime", modes, [...Object.keys(MODES), "all"]);
check("scenario", args.scenario, Object.keys(SCENARIOS));
check("network", [args.network ?? "faults"], ["namespaces", "faults"]);

const stopped = Promise.withResolvers<never>();
stopped.promise.catch(() => {});
process.once("SIGINT", () => stopped.reject(new Error("it was interrupted")));
process.once("SIGTERM", () => stopped.reject(new Error("it was terminated")));

const results: Record<string, Report[]> = {};
for (const mode of modes) {
  if (!args.json) print(`\n${mode}`);
  results[mode] = await runAll(MODES[mode] ?? []);
}
if (args.json) print(JSON.stringify(results, null, 2));
const rows = Object.values(results).flat().flatMap(({ rows }) => rows);
process.exit(rows.every(({ isMet }) => isMet !== false) ? 0 : 1);

/** Runs the scenarios with processes on these runtimes. */
async function runAll(runtimes: readonly Runtime[]): Promise<Report[]> {
  const deadline = Promise.withResolvers<never>();
  deadline.promise.catch(() => {});
  const timer = setTimeout(
    () => deadline.reject(new Error(`it was not done within ${DEADLINE_MS} ms`)),
    DEADLINE_MS,
  );
  const reports: Report[] = [];
  for (const name of args.scenario) {
    const { scenario, what } = SCENARIOS[name] as (typeof SCENARIOS)[string];
    const rows = await run(scenario, runtimes, Promise.race([deadline.promise, stopped.promise]));
    const report = { bar: name, limit: what, rows };
    reports.push(report);
    if (!args.json) printReport(report);
  }
  clearTimeout(timer);
  return reports;
}

/** Runs one scenario and cleans up after it. */
async function run(scenario: Scenario, runtimes: readonly Runtime[], ended: Promise<never>) {
  await using stack = new AsyncDisposableStack();
  const clusters: Cluster[] = [];
  try {
    for (const runtime of runtimes) {
      const why = whyNot(runtime);
      if (why !== undefined) throw new Error(why);
    }
    const running = scenario({
      runtimes,
      network: args.network as NetworkKind | undefined,
      stack,
      watch: (cluster) => clusters.push(cluster),
    });
    // Once stopped it fails, because its processes are removed.
    running.catch(() => {});
    return await Promise.race([running, ended]);
  } catch (error) {
    const [why = ""] = String(error).split("\n");
    return [{ case: why, figures: {}, isMet: false }];
  } finally {
    if (args.trace) {
      for (const line of clusters.flatMap((cluster) => cluster.trace())) print(line);
    }
  }
}

function check(option: string, told: readonly string[], known: readonly string[]): void {
  const wrong = told.find((name) => !known.includes(name));
  if (wrong === undefined) return;
  print(`Cannot use --${option} ${wrong}: it must be one of ${known.join(", ")}`);
  process.exit(2);
}
