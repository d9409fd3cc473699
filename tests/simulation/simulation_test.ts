// A share of what `deno task simulate` runs. Each seed is one run of the real code in virtual time:
// `profiles.ts` says what is likely in it, `rules/` what must hold.
//
// What the code does not keep yet is in `holds.ts`: `NOT_YET` lists, by profile, the rules that may
// be broken. To hold the code to a rule, take it out there.
//
// A seed that fails prints the command that replays it: that shrinks the run to what the failure
// needs, and tells what happened to the key.

import { assertEquals } from "@std/assert";
import process from "node:process";
import { test } from "../runtime.ts";
import { stubChance } from "./chance_stubs.ts";
import { generate } from "./generate.ts";
import { NOT_YET } from "./holds.ts";
import { searchInJobs, type Share } from "./jobs.ts";
import { type ProfileName, PROFILES } from "./profiles.ts";
import { replayCommand } from "./report.ts";
import { type Findings, search } from "./search.ts";
import { loadSubject } from "./subject.ts";

/** Seeds to run in all. CI runs more. */
const SEEDS = Number(process.env["GROUPCACHE_SIMULATION_SEEDS"] ?? 60);
/** A test of more would take too long where everything is slow. */
const MAX_SEEDS = 250;
/** The profile of everything gets as many as all others together. */
const PARTS = Object.keys(PROFILES).length * 2 - 2;

const shares = (Object.keys(PROFILES) as ProfileName[]).flatMap(sharesOf);
let searches: Promise<Findings>[] | undefined;

for (const [index, { profile, from, count }] of shares.entries()) {
  const seeds = `seeds ${from} to ${from + count - 1}`;
  test(`Simulation of "${PROFILES[profile].what}" keeps all rules with ${seeds}`, async () => {
    searches ??= searchInJobs(shares, { jobs: 2 });
    const { broken } = await searches[index] as Findings;
    const failures = [...broken]
      .filter(([rule]) => !NOT_YET[profile]?.includes(rule))
      .map(([rule, [seed]]) => `"${rule}": ${replayCommand(profile, seed as number)}`);
    assertEquals(failures, []);
  });
}

function sharesOf(profile: ProfileName): Share[] {
  const part = profile === "all" ? 0.5 : 1 / PARTS;
  const total = Math.max(2, Math.round(SEEDS * part));
  return Array.from({ length: Math.ceil(total / MAX_SEEDS) }, (_, index) => {
    const done = index * MAX_SEEDS;
    return { profile, from: done + 1, count: Math.min(MAX_SEEDS, total - done) };
  });
}

test("Simulation of a seed is the same whatever was run before it", async () => {
  using _stubs = stubChance();
  const subject = await loadSubject();
  const hashesOf = async (from: number, count: number): Promise<Map<number, string>> => {
    const hashes = new Map<number, string>();
    const onRun = (seed: number, hash: string): void => void hashes.set(seed, hash);
    await search({ subject, profile: "all", from, count, onRun });
    return hashes;
  };
  const together = await hashesOf(1, 4);
  const alone = await hashesOf(3, 1);
  assertEquals(alone.get(3), together.get(3));
  assertEquals(new Set(together.values()).size, 4);
});

test("Simulation draws the same plan for a seed, and others for others", () => {
  assertEquals(generate(1, "all"), generate(1, "all"));
  assertEquals(new Set([1, 2, 3].map((seed) => JSON.stringify(generate(seed, "all")))).size, 3);
});
