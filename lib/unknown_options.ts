import { quote } from "./errors.ts";
import { ProblemEvent } from "./events.ts";
import { GROUP_CACHE_OPTIONS, type GroupCacheOptions } from "./group_cache_options.ts";
import { GROUP_OPTIONS } from "./group_options.ts";

/** Returns the events for options of a cache that do not exist: misspelt ones. */
export function unknownCacheOptions(options: GroupCacheOptions): ProblemEvent[] {
  return unknownOptions("GroupCache", options, GROUP_CACHE_OPTIONS);
}

/** Returns the events for options of a group that do not exist: misspelt ones. */
export function unknownGroupOptions(name: string, options: object): ProblemEvent[] {
  return unknownOptions(`group ${quote(name)}`, options, GROUP_OPTIONS);
}

function unknownOptions(
  what: string,
  options: object,
  known: Readonly<Record<string, true>>,
): ProblemEvent[] {
  const unknown = Object.keys(options).filter((name) => !Object.hasOwn(known, name));
  return unknown.map((name) => {
    const message =
      `Cannot use the option ${quote(name)} of ${what}: there is none of that name. ` +
      `There are ${Object.keys(known).join(", ")}`;
    return new ProblemEvent({ cause: "unknown-option", message, subject: `${what} ${name}` });
  });
}
