import type { Action, Plan } from "./plan.ts";
import { type Outcome, run } from "./run.ts";
import type { RuleName, Violation } from "./rules/rule.ts";
import type { Subject } from "./subject.ts";

/** How a failing plan is made smaller. */
export interface ShrinkOptions {
  readonly subject: Subject;
  /** What is to stay broken. */
  readonly rule: RuleName;
  /**
   * Runs at most.
   *
   * @default 300
   */
  readonly maxRuns?: number;
}

/**
 * Leaves actions out of a plan for as long as a rule stays broken: ever smaller lots of them, as
 * delta debugging does (Zeller and Hildebrandt, 2002).
 */
export async function shrink(
  plan: Plan,
  { subject, rule, maxRuns = 300 }: ShrinkOptions,
): Promise<Outcome> {
  let best = await run(plan, subject);
  let runs = 1;
  const attempt = async (actions: readonly Action[]): Promise<boolean> => {
    runs++;
    const outcome = await run({ ...best.plan, actions }, subject);
    if (violationOf(outcome, rule) === undefined) return false;
    best = outcome;
    return true;
  };
  const endMs = violationOf(best, rule)?.atMs ?? Infinity;
  await attempt(best.plan.actions.filter(({ atMs }) => atMs <= endMs));
  for (let size = best.plan.actions.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at < best.plan.actions.length && runs < maxRuns;) {
      const { actions } = best.plan;
      if (!await attempt([...actions.slice(0, at), ...actions.slice(at + size)])) at += size;
    }
  }
  return best;
}

/** The first time that a rule was broken. */
export function violationOf({ violations }: Outcome, rule: RuleName): Violation | undefined {
  return violations.find((violation) => violation.rule === rule);
}
