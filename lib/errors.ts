/**
 * The kinds of failure, for programs. The codes and their meanings are stable.
 *
 * | code           | meaning                                                                   |
 * | -------------- | ------------------------------------------------------------------------- |
 * | `not-found`    | the loader reported that there is no such value                           |
 * | `load-failed`  | the loader threw, or its value could not be encoded; see `cause`          |
 * | `timeout`      | the loader took longer than `loadTimeoutMs`                               |
 * | `peer-failed`  | a peer could not be reached, or violated the protocol                     |
 * | `bad-key`      | a peer rejected the key                                                   |
 * | `too-large`    | a value exceeds `limits.maxValueBytes`, so it cannot be sent to a peer    |
 * | `unauthorized` | a peer rejected the caller                                                |
 * | `overloaded`   | too many calls to a peer, or too many loads, are waiting                  |
 * | `closed`       | the cache was closed                                                      |
 *
 * @example
 * ```ts
 * import { GroupCacheError, type GroupCacheErrorCode } from "@groupcache/groupcache";
 * import { assertEquals } from "@std/assert";
 *
 * const statuses: Partial<Record<GroupCacheErrorCode, number>> = { "not-found": 404, timeout: 504 };
 *
 * const error = new GroupCacheError("not-found", "Cannot load user 42: there is no such user");
 * assertEquals(statuses[error.code] ?? 500, 404);
 * ```
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

/** The largest details of an error, in bytes of JSON: they are sent to each process that asks. */
const MAX_DETAILS_BYTES = 4096;

/**
 * Options for {@linkcode GroupCacheError}.
 *
 * @example
 * ```ts
 * import { GroupCacheError, type GroupCacheErrorOptions } from "@groupcache/groupcache";
 * import { assertEquals } from "@std/assert";
 *
 * const options: GroupCacheErrorOptions = { details: { deletedAt: "2026-01-01" } };
 * const error = new GroupCacheError("not-found", "Cannot load user 42: deleted", options);
 * assertEquals(error.details, options.details);
 * ```
 */
export interface GroupCacheErrorOptions extends ErrorOptions {
  /**
   * What the error says to programs: any JSON value of at most 4 KiB. A larger value, or one that is not
   * JSON, is left out.
   *
   * @default none
   */
  details?: unknown;
}

/** Whether `text`, received from a peer, is one of our codes. */
export function isErrorCode(text: string): text is GroupCacheErrorCode {
  return CODES.has(text);
}

/**
 * A failure of the cache at run time. Invalid arguments throw a `TypeError` or a `RangeError` instead,
 * and a call whose `signal` aborts rejects with the signal's reason.
 *
 * To report that there is no value, a loader returns `undefined` or throws an error of this class with
 * code `not-found`.
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
 *
 * @example Details, which reach the caller whichever process loads
 * ```ts
 * import { GroupCache, GroupCacheError, text } from "@groupcache/groupcache";
 * import { assertEquals } from "@std/assert";
 *
 * await using cache = new GroupCache({ log: false });
 * const pages = cache.group("pages", {
 *   maxBytes: 1 << 20,
 *   codec: text,
 *   load: () => {
 *     throw Object.assign(new Error("too many requests"), { details: { retryAfterMs: 500 } });
 *   },
 * });
 *
 * const error = await pages.get("/busy").catch((error: GroupCacheError) => error);
 * assertEquals((error as GroupCacheError).details, { retryAfterMs: 500 });
 * ```
 */
export class GroupCacheError extends Error {
  /** The name of the class, for logs. */
  override readonly name = "GroupCacheError";
  /** The kind of failure, for programs. */
  readonly code: GroupCacheErrorCode;
  /**
   * What a loader's error says to programs, if anything: the `details` of what it threw, a JSON value of at
   * most 4 KiB. As its message, they are sent to other processes only with `auth` or `authorize`.
   */
  declare readonly details?: unknown;

  /**
   * Creates an error.
   *
   * @param code The kind of failure, for programs.
   * @param message What went wrong, for people: "Cannot <verb> <what>: <why>".
   * @param options `cause`: the underlying error; `details`: what it says to programs.
   */
  constructor(code: GroupCacheErrorCode, message: string, options?: GroupCacheErrorOptions) {
    super(message, options);
    this.code = code;
    // Copied and bounded here: what a caller gets must not depend on which process owns the key.
    const json = options?.details === undefined ? undefined : toJson(options.details);
    if (json !== undefined) this.details = JSON.parse(json);
  }
}

/** Returns the details of anything that was thrown. */
export function detailsOf(thrown: unknown): unknown {
  try {
    return (thrown as { details?: unknown } | undefined | null)?.details;
  } catch {
    // As in `messageOf`.
    return undefined;
  }
}

/** Returns the details of an error as they are sent to a peer. */
export function encodeDetails({ details }: GroupCacheError): string | undefined {
  return details === undefined ? undefined : toJson(details);
}

/** Returns the details that a peer sent. What is too large or no JSON is left out. */
export function decodeDetails(json: string | undefined): unknown {
  if (json === undefined || json.length > MAX_DETAILS_BYTES) return undefined;
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function toJson(details: unknown): string | undefined {
  try {
    // Undefined for a function or a symbol.
    const json: string | undefined = JSON.stringify(details);
    const isSmall = json !== undefined && json.length <= MAX_DETAILS_BYTES &&
      new TextEncoder().encode(json).byteLength <= MAX_DETAILS_BYTES;
    return isSmall ? json : undefined;
  } catch {
    // A circle, a BigInt, or a `toJSON` that throws.
    return undefined;
  }
}

/** Returns the message of anything that was thrown, without a stack. */
export function messageOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message || thrown.name : thrown);
  } catch {
    // A getter that throws, a revoked proxy, or an object without a prototype.
    return typeof thrown;
  }
}

/** How many causes of an error {@linkcode reasonOf} reports. */
const MAX_CAUSES = 4;

/**
 * Returns the message of anything that was thrown, and those of its causes: `fetch` rejects with
 * "fetch failed" or the like, and only the cause tells that the connection was refused.
 */
export function reasonOf(thrown: unknown): string {
  const messages = [messageOf(thrown)];
  try {
    let error = thrown;
    for (let depth = 0; depth < MAX_CAUSES; depth++) {
      error = error instanceof Error ? error.cause : undefined;
      if (error === undefined) break;
      // A host with several addresses fails with an error for each of them and no message.
      const message = error instanceof AggregateError && error.message === ""
        ? error.errors.slice(0, MAX_CAUSES).map(messageOf).join(", ")
        : messageOf(error);
      if (!messages.some((known) => known.includes(message))) messages.push(message);
    }
  } catch {
    // As in `messageOf`.
  }
  return messages.join(": ");
}

/** Renders an argument for error messages: quoted, and at most 64 characters long. */
export function quote(value: unknown): string {
  if (typeof value !== "string") return messageOf(value);
  const text = value.length > 64 ? `${value.slice(0, 64).toWellFormed()}…` : value;
  return printable(JSON.stringify(text));
}

/** Characters that end a line of a log, or have a terminal show it otherwise than it is. */
const UNPRINTABLE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** Returns a text that somebody else chose, fit for messages and logs: one line, as it looks. */
export function printable(text: string): string {
  return text.replace(
    UNPRINTABLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
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
