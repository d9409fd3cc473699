import { GroupCacheError } from "./errors.ts";

/**
 * That a value does not travel.
 *
 * @param what What cannot be done, as `take the value of "key"`.
 * @param received How large it is.
 */
export function valueTooLarge(
  what: string,
  received: string,
  maxValueBytes: number,
): GroupCacheError {
  return new GroupCacheError(
    "too-large",
    `Cannot ${what}: limits.maxValueBytes is ${maxValueBytes}: received ${received}`,
  );
}
