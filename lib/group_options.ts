import { type Codec, view as viewCodec } from "./codec.ts";
import { quote } from "./errors.ts";
import type { Load, LoadMany } from "./group_api.ts";

/** With less, the memory would go on bookkeeping. */
const MIN_MAX_BYTES = 64 << 10;

/**
 * Options for {@linkcode GroupCache.group}.
 *
 * @example
 * ```ts
 * import { GroupCache, type GroupOptions, json } from "@groupcache/groupcache";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * interface User {
 *   name: string;
 *   isGuest: boolean;
 * }
 *
 * const options = {
 *   maxBytes: 64 << 20,
 *   codec: json<User>(),
 *   ttlMs: ({ isGuest }) => isGuest ? 1000 : 60_000,
 *   loadTimeoutMs: 5000,
 *   load: (id) => ({ name: `User ${id}`, isGuest: false }),
 * } satisfies GroupOptions<User>;
 *
 * await using cache = new GroupCache();
 * const users = cache.group("users", options);
 * assertEquals((await users.get("42")).name, "User 42");
 * assertThrows(() => cache.group("small", { ...options, maxBytes: 1000 }), RangeError);
 * ```
 */
export interface GroupOptions<T, Input = T> {
  /**
   * The memory that the group may take, in bytes: keys, values, index, and decoded values. At least
   * 64 KiB. A value of more than half of it is returned to its callers but never cached.
   */
  maxBytes: number;
  /** Fetches a value that no process has. Runs once per key across the whole cluster. */
  load: Load<T, Input>;
  /**
   * Fetches several values in one query: the misses of one turn of the event loop, from this process
   * and its peers, become one call. A single miss goes to `load`.
   *
   * @default none: `load` runs for each key
   */
  loadMany?: LoadMany<T, Input>;
  /**
   * Encodes values as bytes, and decodes them. All processes must use the same codec.
   *
   * @default values are `ByteView`s, stored as they are
   */
  codec?: Codec<T, Input>;
  /**
   * How long a value may be served, in milliseconds, or a function that returns it. If that returns 0,
   * callers share the load, and the value is not kept. The number 0 is rejected, because to many caches
   * it means forever: leave the option out for that.
   *
   * It counts from the end of the load, or from the call of `set`. A value that is set may live longer by
   * as long as the message that carries it to its owner is under way.
   *
   * @default Infinity
   */
  ttlMs?: number | ((value: Input, key: string) => number);
  /**
   * How long a load may take, in milliseconds. It then fails with code `timeout`, its signal
   * aborts, and the next caller starts a new load. With `Infinity` a loader that never settles
   * blocks its key forever.
   *
   * @default 30000
   */
  loadTimeoutMs?: number;
  /**
   * How many calls of `load` and `loadMany` run at a time in this process, for local callers and peers
   * together. The others wait in order of arrival, within their `loadTimeoutMs`. An aborted call keeps
   * its place until it settles, so a loader should respect its `signal`; otherwise it loses its place
   * after another `loadTimeoutMs`.
   *
   * @default 1000
   */
  maxLoads?: number;
  /**
   * How many calls wait while `maxLoads` run. Those beyond fail with code `overloaded`.
   *
   * @default 100000
   */
  maxQueuedLoads?: number;
  /**
   * How many keys one call of `loadMany` may have. Further misses go into further calls, at the same
   * time.
   *
   * @default 1000
   */
  maxLoadKeys?: number;
  /**
   * The rate, in peer requests per minute, above which a key is hot: then processes that do not own
   * it mirror it. It rises automatically when mirrors run out of room, which is an eighth of the
   * group's memory. 0 mirrors every key, `Infinity` none.
   *
   * @default 60
   */
  mirrorMinuteQps?: number;
  /**
   * How long a mirror may be served before its owner is asked again, in milliseconds. `set` and
   * `remove` take effect at once regardless.
   *
   * @default 60000
   */
  mirrorTtlMs?: number;
}

/** The options of a group, checked and with their defaults. */
export type CheckedGroupOptions<T, Input> =
  & Required<Omit<GroupOptions<T, Input>, "loadMany">>
  & Pick<GroupOptions<T, Input>, "loadMany">;

/**
 * Checks the options and fills in the defaults.
 *
 * @throws {TypeError} If an option is not of its type.
 * @throws {RangeError} If a number is out of range.
 */
export function checkGroupOptions<T, Input>(
  options: GroupOptions<T, Input>,
): CheckedGroupOptions<T, Input> {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`Cannot create group: options must be an object: received ${options}`);
  }
  const checked = {
    ttlMs: Infinity,
    loadTimeoutMs: 30_000,
    maxLoads: 1000,
    maxQueuedLoads: 100_000,
    maxLoadKeys: 1000,
    mirrorMinuteQps: 60,
    mirrorTtlMs: 60_000,
    ...withoutUndefined(options),
    codec: options.codec ?? viewCodec as unknown as Codec<T, Input>,
  };
  const { load, loadMany, codec, ttlMs, loadTimeoutMs } = checked;
  for (const option of ["maxBytes", "maxLoads", "maxQueuedLoads", "maxLoadKeys"] as const) {
    const value = checked[option];
    if (Number.isSafeInteger(value) && value > 0) continue;
    throw new RangeError(
      `Cannot create group: ${option} must be a positive integer: received ${quote(value)}`,
    );
  }
  if (checked.maxBytes < MIN_MAX_BYTES) {
    throw new RangeError(
      `Cannot create group: maxBytes must be at least ${MIN_MAX_BYTES}, which is 64 KiB: ` +
        `received ${checked.maxBytes}`,
    );
  }
  if (typeof load !== "function") {
    throw new TypeError(`Cannot create group: load must be a function: received ${quote(load)}`);
  }
  if (loadMany !== undefined && typeof loadMany !== "function") {
    throw new TypeError(
      `Cannot create group: loadMany must be a function: received ${quote(loadMany)}`,
    );
  }
  if (typeof codec.encode !== "function" || typeof codec.decode !== "function") {
    throw new TypeError("Cannot create group: codec must have encode and decode");
  }
  if (ttlMs === 0) {
    throw new RangeError(
      "Cannot create group: ttlMs must be above 0, or a function: received 0. Leave it out to keep " +
        "values until their room is needed, or use () => 0 to keep none",
    );
  }
  if (typeof ttlMs !== "function" && !isAtLeastZero(ttlMs)) {
    throw new RangeError(
      "Cannot create group: ttlMs must be a number above 0, or a function: received " +
        quote(ttlMs),
    );
  }
  checkDuration("create group", "loadTimeoutMs", loadTimeoutMs);
  for (const option of ["mirrorMinuteQps", "mirrorTtlMs"] as const) {
    if (isAtLeastZero(checked[option])) continue;
    throw new RangeError(
      `Cannot create group: ${option} must be a number not below 0: received ${
        quote(checked[option])
      }`,
    );
  }
  return checked;
}

/** @throws {RangeError} Unless the option is a positive duration. */
export function checkDuration(action: string, option: string, ms: number): void {
  if (typeof ms === "number" && ms > 0) return;
  throw new RangeError(
    `Cannot ${action}: ${option} must be a number above 0: received ${quote(ms)}`,
  );
}

function isAtLeastZero(value: unknown): boolean {
  return typeof value === "number" && value >= 0;
}

/** The names of all options. */
export const GROUP_OPTIONS: Readonly<Record<keyof GroupOptions<unknown>, true>> = {
  maxBytes: true,
  load: true,
  loadMany: true,
  codec: true,
  ttlMs: true,
  loadTimeoutMs: true,
  maxLoads: true,
  maxQueuedLoads: true,
  maxLoadKeys: true,
  mirrorMinuteQps: true,
  mirrorTtlMs: true,
};

/** Drops options that are undefined, so that their defaults apply. */
function withoutUndefined<Options extends object>(options: Options): Options {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Options;
}

/**
 * Checks the name of a new group.
 *
 * @param taken The existing groups.
 */
export function checkGroupName(name: string, taken: { has(name: string): boolean }): void {
  const why = typeof name !== "string" || name === ""
    ? "it must be a non-empty string"
    : name.trim() !== name || /^(undefined|null|NaN)$/.test(name)
    ? "it must be a name, without spaces around it"
    : name.includes("/")
    ? "it must not contain a slash, which ends a group's name in a path"
    : name === "." || name === ".." || !name.isWellFormed()
    ? "it must be usable in a path"
    : taken.has(name)
    ? "there is already a group of that name"
    : undefined;
  if (why !== undefined) {
    throw new TypeError(`Cannot create group: ${why}: received ${quote(name)}`);
  }
}
