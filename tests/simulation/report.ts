import { runtime } from "../runtime.ts";
import { isOperation, type Plan } from "./plan.ts";
import type { Outcome } from "./run.ts";
import type { RuleName } from "./rules/rule.ts";
import { violationOf } from "./shrink.ts";

/** The command that replays a seed. */
export function replayCommand(profile: string, seed: number, at?: string): string {
  const simulate = runtime === "deno" ? "deno task simulate" : "bun tests/simulation/simulate.ts";
  return `${simulate} --profile "${profile}" --seed ${seed}${
    at === undefined ? "" : ` --at ${at}`
  }`;
}

/** What happened to the key of a broken rule, until it broke. */
export function tellStory(outcome: Outcome, rule: RuleName): string {
  const violation = violationOf(outcome, rule);
  if (violation === undefined) return `"${rule}" holds`;
  return [
    describe(outcome.plan),
    outcome.trace.about(violation.key, { untilMs: violation.atMs }),
  ].join("\n");
}

function describe({ startCount, groups, cache, network, actions }: Plan): string {
  const calls = actions.filter(isOperation).length;
  return [
    `${startCount} processes at first, ${calls} calls, ${actions.length - calls} faults`,
    `caches ${JSON.stringify(cache)}`,
    `network ${JSON.stringify(network)}`,
    ...groups.map((group) => `group ${JSON.stringify(group)}`),
  ].join("\n");
}
