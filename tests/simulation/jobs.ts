import process from "node:process";
import { fileURLToPath } from "node:url";
import { runtime, start } from "../runtime.ts";
import type { ProfileName } from "./profiles.ts";
import type { RuleName } from "./rules/rule.ts";
import type { Findings } from "./search.ts";

/** Seeds of one profile. */
export interface Share {
  readonly profile: ProfileName;
  readonly from: number;
  readonly count: number;
}

/** Options for {@linkcode searchInJobs}. */
export interface JobsOptions {
  /** How many processes. */
  readonly jobs: number;
  /** The checkout whose code is simulated, if it is another than this one. */
  readonly at?: string | undefined;
}

const PROGRAM = fileURLToPath(new URL("simulate.ts", import.meta.url));

/**
 * Runs shares of seeds in several processes, with the runtime that runs this. Each process does a part of
 * each share, one share after the other: a process takes a while until its code runs at full speed.
 *
 * @returns What came of each share.
 */
export function searchInJobs(
  shares: readonly Share[],
  { jobs, at }: JobsOptions,
): Promise<Findings>[] {
  const parts = Array.from({ length: jobs }, (_, job) => searchInChild(partOf(shares, job), at));
  return shares.map(async (_, index) => merge(await Promise.all(parts.map((part) => part[index]))));

  function partOf(shares: readonly Share[], job: number): Share[] {
    return shares.map(({ profile, from, count }) => {
      const size = Math.ceil(count / jobs);
      const done = Math.min(count, job * size);
      return { profile, from: from + done, count: Math.min(size, count - done) };
    });
  }
}

/** Returns what comes of each share in one process. It prints a line for each. */
function searchInChild(shares: readonly Share[], at: string | undefined): Promise<Findings>[] {
  const child = start(process.execPath, [
    ...runtime === "deno" ? ["run", "-A"] : [],
    PROGRAM,
    ...["--shares", JSON.stringify(shares), ...at === undefined ? [] : ["--at", at]],
  ], {});
  const findings = shares.map(() => Promise.withResolvers<Findings>());
  const read = async (): Promise<void> => {
    const errors = new Response(child.stderr).text();
    let text = "";
    let next = 0;
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (text + chunk).split("\n");
      text = lines.pop() ?? "";
      for (const line of lines) {
        const found = JSON.parse(line);
        findings[next++]?.resolve({ ...found, broken: new Map(found.broken) });
      }
    }
    const code = await child.ended;
    const why = new Error(`Cannot go on with the simulation: code ${code}: ${await errors}`);
    for (const { reject } of findings.slice(next)) reject(why);
  };
  read().catch((error) => findings.forEach(({ reject }) => reject(error)));
  // Whoever asks for a share hears of it; nobody may.
  for (const { promise } of findings) promise.catch(() => {});
  return findings.map(({ promise }) => promise);
}

function merge(found: readonly (Findings | undefined)[]): Findings {
  const all = found.filter((findings) => findings !== undefined);
  const broken = new Map<RuleName, number[]>();
  for (const [rule, seeds] of all.flatMap(({ broken }) => [...broken])) {
    broken.set(rule, [...broken.get(rule) ?? [], ...seeds]);
  }
  const sum = (of: (findings: Findings) => number) =>
    all.reduce((sum, found) => sum + of(found), 0);
  return {
    seeds: sum(({ seeds }) => seeds),
    steps: sum(({ steps }) => steps),
    tookMs: Math.max(0, ...all.map(({ tookMs }) => tookMs)),
    broken,
  };
}
