import type { ProfileName } from "./profiles.ts";
import type { RuleName } from "./rules/rule.ts";

/**
 * What the code does not keep yet, by profile: the suite does not fail for it, `deno task simulate`
 * does. Whoever mends something takes it out here; empty tables are the goal.
 */
export const NOT_YET: Readonly<Partial<Record<ProfileName, readonly RuleName[]>>> = {};

/** As above, in all profiles. */
export const NOT_YET_ANYWHERE: readonly RuleName[] = [
  // A `set` whose caller has left, or whose process has died, may reach the key's owner after a change that
  // was called later, and count as the later one. docs/consistency.md says so.
  "stale by a failed set",
];
