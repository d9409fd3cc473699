import { GroupCacheError } from "../errors.ts";
import type { CallOptions } from "../group_api.ts";

/** The outcome of a key without a value. */
const ABSENT: unique symbol = Symbol("absent");

/** Gets all keys at once, and collects the outcomes of those that have a value, in their order. */
export async function collect<T>(
  keys: readonly string[],
  get: (key: string) => Promise<T>,
  { settled, signal }: CallOptions & { settled?: boolean },
): Promise<Map<string, T | PromiseSettledResult<T>>> {
  const outcomes = keys.map(async (key) => {
    try {
      const value = await get(key);
      return settled ? { status: "fulfilled" as const, value } : value;
    } catch (reason) {
      if (reason instanceof GroupCacheError && reason.code === "not-found") return ABSENT;
      const hasLeft = signal?.aborted && reason === signal.reason;
      if (settled && !hasLeft) return { status: "rejected" as const, reason };
      throw reason;
    }
  });
  const results = new Map<string, T | PromiseSettledResult<T>>();
  for (const [index, outcome] of (await Promise.all(outcomes)).entries()) {
    if (outcome !== ABSENT) results.set(keys[index] as string, outcome);
  }
  return results;
}
