/**
 * Measures what workers on one machine gain by being peers: the same requests to workers that are peers,
 * to workers with separate caches, and to one process, with the same total memory.
 *
 *     deno run -A bench/workers_bench.ts [--json] [--runtime deno|bun|both] [--workers N] [CASE...]
 *     bun bench/workers_bench.ts [--json] [--runtime deno|bun|both] [--workers N] [CASE...]
 *
 * The requests follow a Zipf distribution, on connections that the system distributes among the workers.
 * The load generator shares the cores with the workers, so requests per second compare the setups and do
 * not show what a machine can do. The results are medians of rounds, each with new processes. To run some
 * cases only, name them.
 */

import process from "node:process";
import { type Runtime, runtime } from "../tests/runtime.ts";
import { percentile } from "./peers/calls.ts";
import { args, median, print, printReport, type Report, round, type Row } from "./report.ts";
import { randomNumbers, zipfRanks } from "./store/rng.ts";
import { generate } from "./workers/load.ts";
import { Machine, type Setup } from "./workers/machine.ts";

const KEYS = 10_000;
const EXPONENT = 0.9;
const REQUESTS = 15_000;
const CONNECTIONS = 64;
const LOAD_MS = 5;
const ROUNDS = 3;
const MAX_LOSS = 0.02;
const MAX_EXCESS = 1.02;

interface Case {
  title: string;
  /** The total memory of all caches, in bytes. */
  totalBytes: number;
  /** How many loads the origin runs at a time. The workers have equal shares of that. */
  loadsAtOnce: number;
}

const CASES: Record<string, Case> = {
  small: {
    title: "Memory for a third of the values, an unlimited origin",
    totalBytes: 4 << 20,
    loadsAtOnce: Infinity,
  },
  pool: {
    title: "Memory for a third of the values, an origin with 8 connections",
    totalBytes: 4 << 20,
    loadsAtOnce: 8,
  },
  large: {
    title: "Memory for all values in each worker, an unlimited origin",
    totalBytes: 128 << 20,
    loadsAtOnce: Infinity,
  },
};

interface Figures {
  /** By all workers, from the first request on. */
  loads: number;
  /** The share of requests without a load, once the caches were full. */
  hits: number;
  perSecond: number;
  p50: number;
  p99: number;
}

function option(name: string, otherwise: string): string {
  const index = args.indexOf(`--${name}`);
  return index < 0 ? otherwise : args[index + 1] ?? "";
}

const told = option("runtime", runtime);
const runtimes: Runtime[] = told === "both" ? ["deno", "bun"] : [told as Runtime];
if (!["deno", "bun", "both"].includes(told)) throw new Error(`Cannot run the bench on ${told}`);
const cores = navigator.hardwareConcurrency;
const workers = Number(option("workers", String(Math.max(2, cores))));

for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  process.once(signal, async () => {
    await Machine.endAll();
    process.exit(code);
  });
}

const named = args.filter((arg) => arg in CASES);

const isJson = args.includes("--json");
const results: Partial<Record<Runtime, Report[]>> = {};
for (const runtime of runtimes) {
  if (!isJson) print(`\n${runtime}, ${workers} workers on ${cores} cores`);
  for (const name of named.length > 0 ? named : Object.keys(CASES)) {
    const report = await compare(runtime, CASES[name] as Case);
    (results[runtime] ??= []).push(report);
    if (!isJson) printReport(report);
  }
}
if (isJson) print(JSON.stringify({ cores, workers, results }, null, 2));

async function compare(
  runtime: Runtime,
  { title, totalBytes, loadsAtOnce }: Case,
): Promise<Report> {
  const setup = { runtime, totalBytes, loadsAtOnce, loadMs: LOAD_MS };
  const setups: Record<string, Setup> = {
    "one process": { ...setup, workers: 1, arePeers: false },
    "workers, each for itself": { ...setup, workers, arePeers: false },
    "workers, as peers": { ...setup, workers, arePeers: true },
  };
  const rounds: Record<string, Figures[]> = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, setup] of Object.entries(setups)) {
      (rounds[name] ??= []).push(await measure(setup));
    }
  }
  const middle = (name: string, figure: keyof Figures): number =>
    median((rounds[name] ?? []).map((figures) => figures[figure]));
  const alone = { loads: middle("one process", "loads"), hits: middle("one process", "hits") };
  return {
    bar: `${title}, ${LOAD_MS} ms a load`,
    limit: `peers load at most ${MAX_EXCESS} times what one process loads, or miss at most ` +
      `${MAX_LOSS * 100} points more often`,
    rows: Object.keys(setups).map((name): Row => {
      const row: Row = {
        case: name,
        figures: {
          "loads at the origin": middle(name, "loads"),
          "hits": `${round(middle(name, "hits") * 100, 1)} %`,
          "requests/s": Math.round(middle(name, "perSecond")),
          "p50": `${round(middle(name, "p50"))} ms`,
          "p99": `${round(middle(name, "p99"))} ms`,
        },
      };
      if (!setups[name]?.arePeers) return row;
      const isMet = middle(name, "loads") <= alone.loads * MAX_EXCESS ||
        middle(name, "hits") >= alone.hits - MAX_LOSS;
      return { ...row, isMet };
    }),
  };
}

/** The same requests for each setup: half of them to fill the caches, then those that count. */
async function measure(setup: Setup): Promise<Figures> {
  await using machine = await Machine.start(setup);
  const rank = zipfRanks(KEYS, EXPONENT, randomNumbers(1));
  const load = {
    port: machine.port,
    connections: CONNECTIONS,
    requests: REQUESTS,
    path: () => `/page/${rank()}`,
  };
  await generate(load);
  const before = await machine.loads();
  const { taken, ms } = await generate(load);
  const loads = await machine.loads();
  return {
    loads,
    hits: 1 - (loads - before) / REQUESTS,
    perSecond: REQUESTS / ms * 1000,
    p50: percentile(taken, 0.5),
    p99: percentile(taken, 0.99),
  };
}
