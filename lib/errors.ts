/**
 * What went wrong, for programs. A code is part of the interface: it never changes its meaning.
 *
 * | code           | meaning                                                                   |
 * | -------------- | ------------------------------------------------------------------------- |
 * | `not-found`    | the loader says that there is no such value                               |
 * | `load-failed`  | the loader threw, or what it returned cannot be encoded; see `cause`      |
 * | `timeout`      | the loader took longer than `loadTimeoutMs`                               |
 * | `peer-failed`  | a peer could not be reached, or did not speak the protocol                |
 * | `bad-key`      | a peer refused the key                                                    |
 * | `too-large`    | a value is larger than `limits.maxValueBytes` lets travel                 |
 * | `unauthorized` | a peer refused the caller                                                 |
 * | `overloaded`   | too many calls to a peer, or too many loads, wait already                 |
 * | `closed`       | the cache was closed                                                      |
 */
export type GroupCacheErrorCode =
  | "not-found"
  | "load-failed"
  | "timeout"
  | "peer-failed"
  | "bad-key"
  | "too-large"
  | "unauthorized"
  | "overloaded"
  | "closed";

const CODES: ReadonlySet<string> = new Set<GroupCacheErrorCode>([
  "not-found",
  "load-failed",
  "timeout",
  "peer-failed",
  "bad-key",
  "too-large",
  "unauthorized",
  "overloaded",
  "closed",
]);

/** Whether `text`, as it came from a peer, is one of our codes. */
export function isErrorCode(text: string): text is GroupCacheErrorCode {
  return CODES.has(text);
}

/**
 * Every failure of the cache at run time. Wrong arguments are `TypeError`s and `RangeError`s
 * instead, and a caller's own `signal` rejects with that signal's reason.
 *
 * A loader throws one with code `not-found` (or returns `undefined`) to say that there is no value.
 *
 * @example
 * ```ts
 * import { GroupCache, GroupCacheError, text } from "@groupcache/groupcache";
 * import { assert } from "@std/assert";
 *
 * await using cache = new GroupCache();
 * const pages = cache.group("pages", { maxBytes: 1 << 20, codec: text, load: () => undefined });
 *
 * const error = await pages.get("/missing").catch((error) => error);
 * assert(error instanceof GroupCacheError && error.code === "not-found");
 * ```
 */
export class GroupCacheError extends Error {
  /** The class's name, for logs. */
  override readonly name = "GroupCacheError";
  /** What went wrong, for programs. */
  readonly code: GroupCacheErrorCode;

  /**
   * Makes an error, as a loader does to say that there is no value.
   *
   * @param code What went wrong, for programs.
   * @param message What went wrong, for people: "Cannot <verb> <what>: <why>".
   * @param options `cause`: what was thrown underneath.
   */
  constructor(code: GroupCacheErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What to print of anything that may be thrown: its message, without a stack. */
export function messageOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message || thrown.name : thrown);
  } catch {
    // A getter that throws, a proxy that was revoked, an object without a prototype.
    return typeof thrown;
  }
}

/** A short, quoted rendering of an argument for error messages. */
export function quote(value: unknown): string {
  if (typeof value !== "string") return messageOf(value);
  return JSON.stringify(value.length > 64 ? `${value.slice(0, 64).toWellFormed()}…` : value);
}

/** Whether an error says that a peer could not be asked, so that another one may be. */
export function isPeerFailure(error: unknown): error is GroupCacheError {
  return error instanceof GroupCacheError && error.code === "peer-failed";
}

/**
 * The error for a value that is too large to be sent between processes.
 *
 * @param action What cannot be done, as `take the value of "key"`.
 * @param received How large the value is, as `5 bytes`.
 */
export function valueTooLarge(
  action: string,
  received: string,
  maxValueBytes: number,
): GroupCacheError {
  return new GroupCacheError(
    "too-large",
    `Cannot ${action}: limits.maxValueBytes is ${maxValueBytes}: received ${received}`,
  );
}
