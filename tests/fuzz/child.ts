/**
 * Runs cases one after the other, in a process of its own, which `fuzz.ts` watches:
 *
 *     deno run -A tests/fuzz/child.ts TARGETS SEED FIRST_CASE CASES MINUTES
 *
 * Prints a line of JSON several times a second, and one for each finding.
 */

import { writeSync } from "node:fs";
import process from "node:process";
import { Random } from "./random.ts";
import type { Finding, Progress } from "./report.ts";
import type { FuzzTarget } from "./target.ts";

/** A case that takes longer hangs, in milliseconds. */
const CASE_MS = 10_000;
const PROGRESS_MS = 250;

const [targets = "", ...numbers] = process.argv.slice(2);
const [seed = 0, firstCase = 0, cases = Infinity, minutes = Infinity] = numbers.map(Number);
const { TARGETS }: { TARGETS: readonly FuzzTarget[] } = await import(targets);
const counts: Record<string, number> = {};
const deadline = performance.now() + minutes * 60_000;
let current = firstCase;
let target: FuzzTarget | undefined;
let startedAt = performance.now();

process.on("unhandledRejection", (error) => found("an unhandled rejection", error));
process.on("uncaughtException", (error) => found("an uncaught error", error));
const timer = setInterval(() => {
  progress();
  if (performance.now() - startedAt > CASE_MS) found("a hang", new Error(`${CASE_MS} ms are over`));
}, PROGRESS_MS);

for (; current < firstCase + cases && performance.now() < deadline; current++) {
  const random = new Random(Math.imul(current + 1, 0x9e3779b1) ^ seed);
  target = pickTarget(random);
  counts[target.name] = (counts[target.name] ?? 0) + 1;
  startedAt = performance.now();
  try {
    // Most cases need no turn of the event loop; without any, no timer would run.
    const running = target.run(random);
    if (running !== undefined || current % 1000 === 0) await running;
  } catch (error) {
    found("an error", error);
  }
  if (current % 1000 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
}
clearInterval(timer);
progress({ isDone: true });
process.exit(0);

function pickTarget(random: Random): FuzzTarget {
  let left = random.fraction() * TARGETS.reduce((sum, { weight }) => sum + weight, 0);
  return TARGETS.find(({ weight }) => (left -= weight) < 0) as FuzzTarget;
}

function progress({ isDone = false } = {}): void {
  const rssBytes = process.memoryUsage().rss;
  print({ kind: "progress", current, counts, rssBytes, isDone });
}

function found(what: string, error: unknown): void {
  const stack = error instanceof Error ? error.stack ?? error.message : String(error);
  const shortened = stack.length > 4000
    ? `${stack.slice(0, 2000)}\n…\n${stack.slice(-2000)}`
    : stack;
  print({ kind: "finding", current, target: target?.name ?? "", what, stack: shortened });
  process.exit(1);
}

function print(message: Progress | Finding): void {
  writeSync(1, `${JSON.stringify(message)}\n`);
}
