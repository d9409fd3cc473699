/**
 * Feeds what takes input from strangers with random and mutated input, for as long as you like:
 *
 *     deno task fuzz [--minutes N | --cases N] [--seed N] [--first N] [--runtime deno|bun|both]
 *
 * The default is 1,000,000 cases on each runtime. A finding is a crash, a hang, a process that grows
 * without end, or an unhandled rejection; it is printed with the seed and the number of its case, which
 * `--seed` and `--first` run again. Exit code 1 if there is one.
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { type Runtime, whyNot } from "../runtime.ts";
import { watch } from "./watch.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string" },
    cases: { type: "string" },
    seed: { type: "string" },
    first: { type: "string", default: "0" },
    runtime: { type: "string", default: "both" },
  },
});
const runtimes: Runtime[] = values.runtime === "both"
  ? ["deno", "bun"]
  : [values.runtime as Runtime];
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const minutes = Number(values.minutes ?? Infinity);
const cases = Number(values.cases ?? (values.minutes === undefined ? 1_000_000 : Infinity));

let hasFailed = false;
for (const runtime of runtimes) {
  const missing = whyNot(runtime);
  if (missing !== undefined) {
    print(missing);
    continue;
  }
  const options = { runtime, seed, firstCase: Number(values.first), cases, minutes };
  const { failure, cases: ran, counts, growthBytes, seconds } = await watch(options);
  const each = Object.entries(counts).map(([name, count]) => `${name} ${count}`).join(", ");
  print(
    `${runtime}: ${ran} cases of seed ${seed} in ${seconds.toFixed()} s (${each}), ` +
      `grew by ${growthBytes >> 20} MiB`,
  );
  if (failure === undefined) continue;
  hasFailed = true;
  print(failure);
}
process.exitCode = hasFailed ? 1 : 0;

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
