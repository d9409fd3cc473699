import { assert } from "@std/assert";
import { GroupCacheError, type GroupCacheErrorCode } from "../lib/errors.ts";

/** The `GroupCacheError` that a call rejects with. Fails if it resolves or rejects otherwise. */
export async function failureOf(call: Promise<unknown>): Promise<GroupCacheError> {
  const error = await call.then(() => undefined, (error) => error);
  assert(error instanceof GroupCacheError, `expected a GroupCacheError: received ${error}`);
  return error;
}

/** The code of the `GroupCacheError` that a call rejects with. */
export async function codeOf(call: Promise<unknown>): Promise<GroupCacheErrorCode> {
  return (await failureOf(call)).code;
}
