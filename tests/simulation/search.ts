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
  /** The seeds in which each rule was broken. */
  readonly broken: ReadonlyMap<RuleName, readonly number[]>;
}

/**
 * Runs at a time. They share the turns of the event loop, of which each step needs one, and no more
 * is to be gained with more.
 */
const CONCURRENCY = 4;

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
  const underWay = new Set<number>();
  // Whose it was shows when they are run alone.
  using _watch = watchUncaught(() => underWay.forEach((seed) => broke("uncaught", seed)));
  let steps = 0;
  let next = from;
  const work = async (): Promise<void> => {
    while (next < from + count) {
      const seed = next++;
      underWay.add(seed);
      const outcome = await run(generate(seed, profile), subject);
      underWay.delete(seed);
      steps += outcome.steps;
      onRun?.(seed, outcome.trace.hash);
      for (const { rule } of outcome.violations) broke(rule, seed);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  for (const seeds of broken.values()) seeds.sort((a, b) => a - b);
  return { seeds: count, steps, broken };
}
