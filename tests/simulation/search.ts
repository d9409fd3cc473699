import { generate } from "./generate.ts";
import type { ProfileName } from "./profiles.ts";
import { run } from "./run.ts";
import type { RuleName } from "./rules/rule.ts";
import { watchUncaught } from "./uncaught.ts";
import type { Subject } from "./subject.ts";

/** Seeds to run. */
export interface SearchOptions {
  readonly subject: Subject;
  readonly profile: ProfileName;
  readonly from: number;
  readonly count: number;
  /** Rules that may be broken. */
  readonly mayBreak?: ReadonlySet<RuleName>;
  /** Told of each run. */
  readonly onRun?: (seed: number, hash: string) => void;
}

/** What came of them. */
export interface Findings {
  readonly seeds: number;
  readonly steps: number;
  /** How long that took, in milliseconds. */
  readonly tookMs: number;
  /** The seeds in which each rule was broken. */
  readonly broken: ReadonlyMap<RuleName, readonly number[]>;
}

/** Runs seeds, and says which of them broke a rule. */
export async function search(
  { subject, profile, from, count, mayBreak = new Set(), onRun }: SearchOptions,
): Promise<Findings> {
  const broken = new Map<RuleName, number[]>();
  const broke = (rule: RuleName, seed: number): void => {
    const seeds = broken.get(rule);
    if (mayBreak.has(rule) || seeds?.includes(seed)) return;
    if (seeds === undefined) broken.set(rule, [seed]);
    else seeds.push(seed);
  };
  let underWay = from;
  using _watch = watchUncaught(() => broke("uncaught", underWay));
  const startMs = performance.now();
  let steps = 0;
  // One at a time: seeds that run side by side take no less time.
  for (let seed = from; seed < from + count; seed++) {
    underWay = seed;
    const outcome = await run(generate(seed, profile), subject);
    steps += outcome.steps;
    onRun?.(seed, outcome.trace.hash);
    for (const { rule } of outcome.violations) broke(rule, seed);
  }
  return { seeds: count, steps, tookMs: performance.now() - startMs, broken };
}
