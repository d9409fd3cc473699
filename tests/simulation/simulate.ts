/**
 * Runs the simulation.
 *
 *     deno task simulate [--seeds N] [--from S] [--profile NAME]... [--jobs N] [--at FOLDER]
 *     deno task simulate --seed S --profile NAME [--no-shrink] [--all] [--at FOLDER]
 *
 * The first form runs N seeds of each profile and lists those that broke a rule; it ends with code 1
 * if there are any. The second one replays a seed, leaves out of it what the broken rule does not
 * need, and tells what happened to the key; `--all` tells what happened to all. `--at` runs the code
 * of another checkout. The same with `bun tests/simulation/simulate.ts`.
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { stubChance } from "./chance_stubs.ts";
import { generate } from "./generate.ts";
import { searchInJobs, type Share } from "./jobs.ts";
import { type ProfileName, PROFILES } from "./profiles.ts";
import { replayCommand, tellStory } from "./report.ts";
import { run } from "./run.ts";
import { type Findings, search } from "./search.ts";
import { shrink } from "./shrink.ts";
import { loadSubject } from "./subject.ts";
import { watchUncaught } from "./uncaught.ts";

const { values: args } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string", default: "200" },
    from: { type: "string", default: "1" },
    profile: { type: "string", multiple: true, default: Object.keys(PROFILES) },
    at: { type: "string" },
    jobs: { type: "string", default: "2" },
    "no-shrink": { type: "boolean", default: false },
    all: { type: "boolean", default: false },
    shares: { type: "string" },
  },
});
for (const name of args.profile) {
  if (!(name in PROFILES)) throw new Error(`Cannot run: there is no profile "${name}"`);
}
const profiles = args.profile as ProfileName[];
const [from, count, jobs] = [args.from, args.seeds, args.jobs].map(Number) as [
  number,
  number,
  number,
];

if (args.seed !== undefined) await replay(Number(args.seed));
else if (args.shares !== undefined) await searchHere(JSON.parse(args.shares));
else await searchAll();

async function replay(seed: number): Promise<void> {
  using _stubs = stubChance();
  const subject = await loadSubject(args.at);
  using _watch = watchUncaught((error) => {
    print(`broken: "uncaught": ${error}`);
    process.exitCode = 1;
  });
  for (const profile of profiles) {
    const outcome = await run(generate(seed, profile), subject);
    const [first] = outcome.violations;
    if (args.all) print(outcome.trace.about(undefined));
    else if (first !== undefined) {
      const { rule } = first;
      const isWhole = args["no-shrink"];
      print(tellStory(isWhole ? outcome : await shrink(outcome.plan, { subject, rule }), rule));
    }
    print(
      `profile "${profile}", seed ${seed}: ${outcome.steps} steps, trace ${outcome.trace.hash}`,
    );
    for (const { rule, what } of outcome.violations) print(`broken: "${rule}": ${what}`);
    if (first !== undefined) process.exitCode = 1;
  }
}

/** Runs shares of seeds, for the process that started this one, and prints a line for each. */
async function searchHere(shares: readonly Share[]): Promise<void> {
  using _stubs = stubChance();
  const subject = await loadSubject(args.at);
  for (const share of shares) {
    const findings = await search({ subject, ...share });
    print(JSON.stringify({ ...findings, broken: [...findings.broken] }));
  }
}

async function searchAll(): Promise<void> {
  const startMs = performance.now();
  const shares = profiles.map((profile) => ({ profile, from, count }));
  for (const [index, found] of searchInJobs(shares, { jobs, at: args.at }).entries()) {
    const profile = profiles[index] as ProfileName;
    const findings = await found;
    const ms = (findings.tookMs / count).toFixed(1);
    const steps = (findings.steps / count).toFixed(0);
    print(`${profile}: ${count} seeds, ${ms} ms and ${steps} steps each`);
    printBroken(profile, findings);
  }
  print(`${((performance.now() - startMs) / 1000).toFixed(1)} s`);
}

function printBroken(profile: ProfileName, { broken }: Findings): void {
  for (const [rule, seeds] of broken) {
    process.exitCode = 1;
    print(`  "${rule}" is broken in ${seeds.length}: ${seeds.slice(0, 10).join(" ")}`);
    print(`    ${replayCommand(profile, seeds[0] as number, args.at)}`);
  }
}

function print(line: string): void {
  // deno-lint-ignore no-console -- what the program is for
  console.log(line);
}
