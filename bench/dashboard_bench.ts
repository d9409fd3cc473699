// deno-lint-ignore-file no-console
/**
 * What it costs to be seen: gets per second of processor time of three processes under full load,
 * with a page open on each of them and without, in turns; and the processor time of `/metrics`. Other
 * work on the machine weighs less on these than on what a clock on the wall says.
 *
 *     deno task bench:dashboard [--runtime bun]
 *
 * @module
 */

import process from "node:process";
import { prometheusText } from "../lib/metrics/prometheus.ts";
import { spawn } from "../tests/processes/child.ts";
import { freePorts, type Runtime, runtime } from "../tests/runtime.ts";
import { sampleStats } from "../tests/stats/sample_stats.ts";
import { median } from "./report.ts";

const MAX_COST = 0.02;
const MAX_METRICS_MS = 5;
const WARM_UP_MS = 6000;
const ROUND_MS = 4000;
const ROUNDS = 16;

const at = process.argv.indexOf("--runtime");
const chosen = (at < 0 ? runtime : process.argv[at + 1]) as Runtime;

const stats = sampleStats(50, 100);
for (let i = 0; i < 50; i++) prometheusText(stats);
const startedAt = process.cpuUsage().user;
let bytes = 0;
for (let i = 0; i < 50; i++) bytes = new TextEncoder().encode(prometheusText(stats)).byteLength;
const metricsMs = (process.cpuUsage().user - startedAt) / 1000 / 50;
tell(
  `/metrics of 50 groups and 100 peers, ${Math.round(bytes / 1024)} KiB (${runtime})`,
  `${metricsMs.toFixed(1)} ms`,
  metricsMs <= MAX_METRICS_MS,
  `at most ${MAX_METRICS_MS} ms`,
);

const ports = await freePorts(3);
const urls = ports.map((port) => `http://127.0.0.1:${port}`);
await using children = new AsyncDisposableStack();
await Promise.all(ports.map(async (port) => {
  const env = { PORT: String(port), PEERS: urls.join() };
  await children.use(spawn("bench/dashboard/node.ts", { runtime: chosen, env })).line(/^serving/);
}));
await pause(WARM_UP_MS);

const rates = { with: [] as number[], without: [] as number[] };
for (let round = 0; round < ROUNDS; round++) {
  // In the order of ABBA, so that what drifts weighs on both alike.
  const isOpen = round % 4 === 1 || round % 4 === 2;
  const pages = isOpen ? await Promise.all(urls.map(openPage)) : [];
  await pause(500);
  const before = await counts();
  await pause(ROUND_MS);
  const after = await counts();
  rates[isOpen ? "with" : "without"].push(
    (after.gets - before.gets) * 1000 / (after.cpuMs - before.cpuMs),
  );
  for (const close of pages) close();
}
const [withPages, without] = [median(rates.with), median(rates.without)];
const cost = 1 - withPages / without;
tell(
  `gets per second of processor time, of three ${chosen} processes`,
  `${Math.round(without).toLocaleString("en")}, with a page on each ` +
    `${Math.round(withPages).toLocaleString("en")}: ${(100 * cost).toFixed(1)} % less`,
  cost <= MAX_COST,
  `at most ${100 * MAX_COST} % less`,
);
for (const [name, list] of Object.entries(rates)) {
  console.log(`  ${name}: ${list.map((rate) => Math.round(rate)).join(" ")}`);
}

function tell(what: string, value: string, isMet: boolean, bar: string): void {
  console.log(`${what}: ${value} (${bar}: ${isMet ? "met" : "NOT met"})`);
}

/** Reads the stream of events as a page does. Returns what ends that. */
async function openPage(url: string): Promise<() => void> {
  const end = new AbortController();
  const response = await fetch(`${url}/events`, { signal: end.signal });
  response.body?.pipeTo(new WritableStream()).catch(() => {});
  return () => end.abort();
}

async function counts(): Promise<{ gets: number; cpuMs: number }> {
  const all = await Promise.all(
    urls.map(async (url) => await (await fetch(`${url}/count`)).json()),
  );
  return {
    gets: all.reduce((sum, { gets }) => sum + gets, 0),
    cpuMs: all.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
