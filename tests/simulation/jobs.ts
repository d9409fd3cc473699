import process from "node:process";
import { fileURLToPath } from "node:url";
import { runtime, start } from "../runtime.ts";
import type { ProfileName } from "./profiles.ts";
import type { RuleName } from "./rules/rule.ts";
import type { Findings } from "./search.ts";

/** Seeds to run by several processes. */
export interface JobsOptions {
  readonly profile: ProfileName;
  readonly from: number;
  readonly count: number;
  /** How many processes. */
  readonly jobs: number;
  /** The checkout whose code is simulated, if it is another than this one. */
  readonly at?: string | undefined;
}

const PROGRAM = fileURLToPath(new URL("simulate.ts", import.meta.url));

/** Runs seeds in several processes, with the runtime that runs this. */
export async function searchInJobs(
  { profile, from, count, jobs, at }: JobsOptions,
): Promise<Findings> {
  const size = Math.ceil(count / jobs);
  const shares = Array.from({ length: jobs }, (_, job) => ({
    from: from + job * size,
    count: Math.min(size, count - job * size),
  }));
  const found = await Promise.all(
    shares.filter(({ count }) => count > 0).map((share) =>
      searchInChild({ profile, at, ...share })
    ),
  );
  const broken = new Map<RuleName, number[]>();
  for (const [rule, seeds] of found.flatMap(({ broken }) => [...broken])) {
    broken.set(rule, [...broken.get(rule) ?? [], ...seeds]);
  }
  return { seeds: count, steps: found.reduce((sum, { steps }) => sum + steps, 0), broken };
}

async function searchInChild(
  { profile, from, count, at }: Omit<JobsOptions, "jobs">,
): Promise<Findings> {
  const child = start(process.execPath, [
    ...runtime === "deno" ? ["run", "-A"] : [],
    PROGRAM,
    ...["--profile", profile, "--from", String(from), "--seeds", String(count)],
    ...["--jobs", "1", "--json", ...at === undefined ? [] : ["--at", at]],
  ], {});
  const [output, error, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.ended,
  ]);
  if (code !== 0) {
    throw new Error(`Cannot run ${count} seeds of "${profile}" from ${from} on: ${error}`);
  }
  const found = JSON.parse(output);
  return { ...found, broken: new Map(found.broken) };
}
