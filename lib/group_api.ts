import type { GroupStats } from "./stats.ts";

/** What a call may take with it. */
export interface CallOptions {
  /**
   * Ends this caller's wait: the call rejects with the signal's reason. A load under way goes on
   * as long as anybody else waits for it.
   */
  signal?: AbortSignal;
}

/**
 * Values of one kind, by key: made by {@linkcode GroupCache.group}, in every process under the
 * same name.
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
  /** The name, which is part of the path under which peers ask for values. */
  readonly name: string;

  /**
   * The value of a key: from memory, from the process that owns the key, or, in that process, from
   * the loader. All who ask meanwhile, in all processes, share one load and its outcome. Failures
   * are not cached.
   *
   * @throws {GroupCacheError} With code `not-found`, `load-failed`, `timeout`, `too-large` (another
   * process has the value, and it is larger than `limits.maxValueBytes`) or `closed`.
   * @throws {TypeError} If the key is none.
   */
  get(key: string, options?: CallOptions): Promise<T>;

  /**
   * The values of several keys, in their order; those that do not exist are absent. What is in
   * memory needs no network, each owner is asked once for the rest, and there `loadMany` loads what
   * nobody has. A key that is there twice is asked for once.
   *
   * @throws {GroupCacheError} As `get`, for the first key that fails otherwise than by `not-found`.
   * @throws {TypeError} If a key is none.
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
  /** As above, but a key that fails fails alone: as `Promise.allSettled` tells of it. */
  getMany(
    keys: Iterable<string>,
    options: CallOptions & { settled: true },
  ): Promise<Map<string, PromiseSettledResult<T>>>;

  /**
   * The value of a key if it is in this process's memory, and not a byte of network. It counts as
   * no use of the entry.
   *
   * @throws {TypeError} If the key is none.
   */
  peek(key: string): T | undefined;

  /**
   * Puts a value under a key, at the key's owner, and drops what other processes hold of it. A
   * load under way does not overwrite it.
   *
   * @throws {GroupCacheError} With code `too-large`, and nothing is changed, if there are other
   * processes and the value is larger than `limits.maxValueBytes`; with code `peer-failed` if a peer
   * could not be told, and may serve an old value until that ends; the others have been told.
   * @throws {TypeError} If the key is none, or the codec refuses the value.
   */
  set(key: string, value: Input, options?: CallOptions): Promise<void>;

  /**
   * Removes a key in all processes, its owner first. A load under way does not put it back.
   *
   * @throws {GroupCacheError} With code `peer-failed` if a peer could not be told, and may serve
   * the value until that ends; the others have been told.
   * @throws {TypeError} If the key is none.
   */
  remove(key: string, options?: CallOptions): Promise<void>;

  /** What the group has counted so far. */
  stats(): GroupStats;
}

/** What a loader is told beside the key. */
export interface LoadContext<T, Input = T> {
  /** Aborts when nobody waits for the value any more, or `loadTimeoutMs` is over. */
  readonly signal: AbortSignal;
  /** The group that loads. */
  readonly group: Group<T, Input>;
}

/**
 * Brings a value from where it comes from. `undefined`, or a `GroupCacheError` with code
 * `not-found`, says that there is none.
 */
export type Load<T, Input = T> = (
  key: string,
  context: LoadContext<T, Input>,
) => Input | undefined | Promise<Input | undefined>;

/**
 * Brings several values in one go, as one query to where they come from. Keys that the result lacks
 * have no value; an `Error` in place of a value is that key's failure alone, and whatever is thrown
 * is the failure of all.
 */
export type LoadMany<T, Input = T> = (
  keys: readonly string[],
  context: LoadContext<T, Input>,
) => ReadonlyMap<string, Input | Error> | Promise<ReadonlyMap<string, Input | Error>>;
