import type { Inspection } from "./process_report.ts";
import type { GroupStats } from "./stats.ts";

/**
 * Options for the calls of a {@linkcode Group}.
 *
 * @example
 * ```ts
 * import { GroupCache } from "@groupcache/groupcache";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * await using cache = new GroupCache();
 * const pages = cache.group("pages", {
 *   maxBytes: 1 << 20,
 *   load: () => new Promise<string>(() => {}), // An origin that never answers.
 * });
 *
 * const signal = AbortSignal.timeout(10);
 * const error = await assertRejects(() => pages.get("/about", { signal }), DOMException);
 * assertEquals(error.name, "TimeoutError");
 * ```
 */
export interface CallOptions {
  /**
   * Ends this caller's wait: the call rejects with the signal's reason. A load in flight goes on as
   * long as another caller waits for it.
   */
  signal?: AbortSignal;
}

/**
 * Values of one kind, by key. `GroupCache.group` creates it, in every process under the same name.
 *
 * Keys are non-empty, well-formed strings of at most 64 KiB as UTF-8; anything else is a
 * `TypeError`. Once the cache is closed every call rejects with code `closed`.
 *
 * @example
 * ```ts
 * import { GroupCache, text } from "@groupcache/groupcache";
 * import { assertEquals } from "@std/assert";
 *
 * await using cache = new GroupCache();
 * const pages = cache.group("pages", {
 *   maxBytes: 64 << 20,
 *   codec: text,
 *   ttlMs: 60_000,
 *   load: (path) => `<h1>${path}</h1>`,
 * });
 *
 * const [one, same] = await Promise.all([pages.get("/about"), pages.get("/about")]);
 * assertEquals(one, "<h1>/about</h1>");
 * assertEquals(same, one);
 * assertEquals(pages.stats().localLoads, 1);
 * ```
 */
export interface Group<T, Input = T> {
  /** The group's name. It is part of the path under which peers ask for values. */
  readonly name: string;

  /**
   * Returns the value of a key: from memory, from the process that owns the key, or, in that
   * process, from the loader. All concurrent callers, in all processes, share one load and its
   * outcome. Failures are not cached.
   *
   * @throws {GroupCacheError} With code `not-found`, `load-failed`, `timeout`, `too-large` (another
   * process has the value, and it is larger than `limits.maxValueBytes`), `overloaded` or `closed`.
   * @throws {TypeError} If the key is invalid.
   */
  get(key: string, options?: CallOptions): Promise<T>;

  /**
   * Returns the values of several keys, in their order; keys without a value are absent. Values in
   * memory need no network. Each owner is asked once for its share of the rest, and its `loadMany`
   * loads what it does not have. A duplicate key is asked for once.
   *
   * @throws {GroupCacheError} As `get`, for the first key that fails, except with `not-found`.
   * @throws {TypeError} If a key is invalid.
   *
   * @example
   * ```ts
   * import { GroupCache, text } from "@groupcache/groupcache";
   * import { assertEquals } from "@std/assert";
   *
   * await using cache = new GroupCache();
   * const names = cache.group("names", {
   *   maxBytes: 1 << 20,
   *   codec: text,
   *   load: (id) => `User ${id}`,
   *   loadMany: (ids) => new Map(ids.map((id) => [id, `User ${id}`])), // One query for all.
   * });
   * const [first, second] = (await names.getMany(["1", "2"])).values();
   * assertEquals([first, second], ["User 1", "User 2"]);
   * ```
   */
  getMany(keys: Iterable<string>, options?: CallOptions): Promise<Map<string, T>>;
  /** As above, but a key that fails does not fail the others: results as of `Promise.allSettled`. */
  getMany(
    keys: Iterable<string>,
    options: CallOptions & { settled: true },
  ): Promise<Map<string, PromiseSettledResult<T>>>;

  /**
   * Returns the value of a key if it is in this process's memory, without any request. It does not
   * count as a use of the entry.
   *
   * @throws {TypeError} If the key is invalid.
   */
  peek(key: string): T | undefined;

  /**
   * Stores a value under a key, at the key's owner, and drops the old value in all other processes.
   * A load in flight does not overwrite it.
   *
   * Once this resolves no process on the list returns a value that was loaded or set before the call,
   * whatever joins, leaves or fails in the meantime. Of several concurrent values one remains.
   *
   * @throws {GroupCacheError} With code `too-large`, and nothing is changed, if there are other
   * processes and the value is larger than `limits.maxValueBytes`; with code `peer-failed`, and a
   * message that names them, if peers could not be told: they are told again in the background, and
   * until then serve an old value to their own callers only; with code `overloaded` if other processes
   * set the key over and over at the same time.
   * @throws {TypeError} If the key is invalid, or the codec refuses the value.
   */
  set(key: string, value: Input, options?: CallOptions): Promise<void>;

  /**
   * Removes a key in all processes, its owner first. A load in flight does not bring it back.
   *
   * Once this resolves no process on the list returns a value that was loaded or set before the call,
   * whatever joins, leaves or fails in the meantime.
   *
   * @throws {GroupCacheError} With code `peer-failed`, and a message that names them, if peers could
   * not be told: they are told again in the background, and until then serve the value to their own
   * callers only.
   * @throws {TypeError} If the key is invalid.
   */
  remove(key: string, options?: CallOptions): Promise<void>;

  /**
   * Describes where this process looks for a key and what it holds of it. This does not count as a use of
   * the key, and sends no request. For all processes, see {@linkcode GroupCache.inspect}.
   *
   * @throws {TypeError} If the key is invalid.
   */
  inspect(key: string): Inspection;

  /** Returns what the group has counted so far. */
  stats(): GroupStats;
}

/**
 * The second argument of a loader.
 *
 * @example
 * ```ts
 * import { GroupCache, type LoadContext, text } from "@groupcache/groupcache";
 * import { assertEquals } from "@std/assert";
 *
 * // Two groups of the same type share it.
 * function load(key: string, { group, signal }: LoadContext<string>): string {
 *   signal.throwIfAborted();
 *   return `${group.name}: ${key}`;
 * }
 *
 * await using cache = new GroupCache();
 * const pages = cache.group("pages", { maxBytes: 1 << 20, codec: text, load });
 * assertEquals(await pages.get("/about"), "pages: /about");
 * ```
 */
export interface LoadContext<T, Input = T> {
  /** Aborts when the last caller has left, or after `loadTimeoutMs`. */
  readonly signal: AbortSignal;
  /** The group that loads. */
  readonly group: Group<T, Input>;
}

/**
 * Fetches a value from the origin. If there is no such value, it returns `undefined` or throws a
 * `GroupCacheError` with code `not-found`.
 *
 * Bytes that it returns, directly or through the codec, must not be changed afterwards: refilling a buffer
 * for the next key would change the value of this one.
 *
 * @example
 * ```ts
 * import { GroupCache, GroupCacheError, type Load, text } from "@groupcache/groupcache";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const names = new Map([["1", "Ada"]]);
 * const load: Load<string> = (id, { signal }) => {
 *   signal.throwIfAborted(); // Pass it to what takes long, such as fetch.
 *   return names.get(id);
 * };
 *
 * await using cache = new GroupCache();
 * const users = cache.group("users", { maxBytes: 1 << 20, codec: text, load });
 * assertEquals(await users.get("1"), "Ada");
 * const error = await assertRejects(() => users.get("2"), GroupCacheError);
 * assertEquals(error.code, "not-found");
 * ```
 */
export type Load<T, Input = T> = (
  key: string,
  context: LoadContext<T, Input>,
) => Input | undefined | Promise<Input | undefined>;

/**
 * Fetches several values from the origin, in one query. Keys that the result lacks have no value. An
 * `Error` in place of a value fails that key alone; a thrown error fails all keys.
 *
 * The query is aborted when nobody waits for any of its keys. A key that nobody waits for is loaded again
 * for the next caller, even if the query goes on for others.
 *
 * @example
 * ```ts
 * import { GroupCache, type LoadMany, text } from "@groupcache/groupcache";
 * import { assertEquals } from "@std/assert";
 *
 * const table = new Map([["1", "Ada"], ["2", "Grace"]]);
 * const loadMany: LoadMany<string> = (ids) =>
 *   new Map(ids.flatMap((id) => {
 *     const name = table.get(id);
 *     return name === undefined ? [] : [[id, name]];
 *   }));
 *
 * await using cache = new GroupCache();
 * const users = cache.group("users", {
 *   maxBytes: 1 << 20,
 *   codec: text,
 *   load: (id) => table.get(id),
 *   loadMany,
 * });
 * assertEquals([...await users.getMany(["1", "2", "3"])], [["1", "Ada"], ["2", "Grace"]]);
 * ```
 */
export type LoadMany<T, Input = T> = (
  keys: readonly string[],
  context: LoadContext<T, Input>,
) => ReadonlyMap<string, Input | Error> | Promise<ReadonlyMap<string, Input | Error>>;
