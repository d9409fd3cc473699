import type { GroupCacheStats } from "./stats.ts";

/**
 * A key that the application of a process often requests.
 *
 * @example
 * ```ts
 * import { GroupCache, type HotKey } from "@groupcache/groupcache";
 *
 * const line = ({ group, key, perSecond }: HotKey): string =>
 *   `${group} ${key}: ${perSecond.toFixed()} gets a second`;
 *
 * await using cache = new GroupCache();
 * for (const { report } of await cache.reports()) {
 *   for (const hotKey of report?.hotKeys ?? []) console.log(line(hotKey));
 * }
 * ```
 */
export interface HotKey {
  /** The name of the group. */
  group: string;
  /** The key. */
  key: string;
  /** How often this process's application requests it, per second, estimated from a sample. */
  perSecond: number;
  /** Whether this process holds a mirror of it. */
  isMirrored: boolean;
  /** The base URL of the process that owns it, as this one sees it; null without peers. */
  owner: string | null;
}

/**
 * A current or past problem.
 *
 * @example
 * ```ts
 * import { GroupCache, type Problem } from "@groupcache/groupcache";
 *
 * const line = ({ cause, message, count, lastMs }: Problem): string =>
 *   `${new Date(lastMs).toISOString()} ${cause}, ${count} times: ${message}`;
 *
 * await using cache = new GroupCache();
 * for (const { report } of await cache.reports()) {
 *   for (const problem of report?.problems ?? []) console.warn(line(problem));
 * }
 * ```
 */
export interface Problem {
  /** The kind of problem, for programs. The kinds and their meanings are stable. */
  cause: string;
  /** What is wrong and what to check, for people. */
  message: string;
  /** How often it occurred. */
  count: number;
  /** When it first occurred, in Unix milliseconds. */
  firstMs: number;
  /** When it last occurred, in Unix milliseconds. */
  lastMs: number;
}

/**
 * The report of a process about itself, as a plain JSON value.
 *
 * @example
 * ```ts
 * import { GroupCache, type ProcessReport } from "@groupcache/groupcache";
 * import { assertEquals } from "@std/assert";
 *
 * await using cache = new GroupCache();
 * const reports: ProcessReport[] = (await cache.reports()).flatMap(({ report }) => report ?? []);
 * assertEquals(reports.map(({ stats }) => stats.state), ["serving"]);
 * ```
 */
export interface ProcessReport {
  /** Its counters. */
  stats: GroupCacheStats;
  /** The keys that its application requests most often, hottest first. */
  hotKeys: HotKey[];
  /** Its recent problems, the latest first. */
  problems: Problem[];
}

/**
 * The result of asking a process for its report.
 *
 * @example
 * ```ts
 * import { GroupCache, type ReportReply } from "@groupcache/groupcache";
 *
 * await using cache = new GroupCache();
 * const replies: ReportReply[] = await cache.reports();
 * for (const { url, error } of replies) {
 *   if (error !== null) console.warn(`${url} did not report: ${error}`);
 * }
 * ```
 */
export interface ReportReply {
  /** The base URL of the process; for one without peers, the empty string. */
  url: string;
  /** Its report; null if it could not be reached. */
  report: ProcessReport | null;
  /** Why it could not be reached; null if it could. */
  error: string | null;
}

/**
 * The state of a key in one process.
 *
 * @example
 * ```ts
 * import { GroupCache, type Inspection } from "@groupcache/groupcache";
 * import { assertEquals } from "@std/assert";
 *
 * await using cache = new GroupCache();
 * const pages = cache.group("pages", { maxBytes: 1 << 20, ttlMs: 60_000, load: () => "hello" });
 * await pages.get("/");
 * const { held, valueBytes, owner }: Inspection = pages.inspect("/");
 * assertEquals([held, valueBytes, owner], ["main", 5, null]);
 * ```
 */
export interface Inspection {
  /** The base URL of the process that owns the key, as this one sees it; null without peers. */
  owner: string | null;
  /** All processes in the key's order, the owner first, whether up or down. */
  order: string[];
  /** Which of the group's caches holds it, if any. */
  held: "main" | "hot" | null;
  /** The length of its value, in bytes, if it is held. */
  valueBytes: number | null;
  /**
   * How long ago its value was stored at most, in milliseconds, if it is held. In the main cache of a group
   * whose `ttlMs` is a number it is exact: it follows from the remaining time. Otherwise nothing is
   * recorded of each value, and this is the age of the oldest one that was stored close to it, or moved
   * with it since: the longer a value stays, the less this says of it.
   */
  ageMs: number | null;
  /** Its remaining time to live, in milliseconds, if it is held and expires. */
  leftMs: number | null;
  /** How often it was used since it was stored, up to 3, as eviction counts. */
  uses: number | null;
  /** Whether this process is loading it or requesting it from a peer. */
  isLoading: boolean;
}

/**
 * The result of asking a process about a key.
 *
 * @example
 * ```ts
 * import { GroupCache, type InspectionReply } from "@groupcache/groupcache";
 * import { assertEquals } from "@std/assert";
 *
 * await using cache = new GroupCache();
 * cache.group("pages", { maxBytes: 1 << 20, load: () => "hello" });
 * const replies: InspectionReply[] = await cache.inspect("pages", "/");
 * const holders = replies.filter(({ inspection }) => inspection?.held != null);
 * assertEquals(holders.length, 0); // Nothing was loaded yet.
 * ```
 */
export interface InspectionReply {
  /** The base URL of the process. */
  url: string;
  /** The state of the key; null if the process could not be reached, or lacks the group. */
  inspection: Inspection | null;
  /** Why it could not be reached; null if it could. */
  error: string | null;
}
