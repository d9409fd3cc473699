import { MAX_LIST_KEYS } from "./body_bounds.ts";

/**
 * Checks that a request lists no more keys than it may: each of them is work.
 *
 * @throws {RangeError} If there are more.
 */
export function checkKeyCount(keys: readonly unknown[]): void {
  if (keys.length <= MAX_LIST_KEYS) return;
  throw new RangeError(`expected at most ${MAX_LIST_KEYS} keys: received ${keys.length}`);
}
