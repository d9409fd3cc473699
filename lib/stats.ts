import { LatencyHistogram, type LatencyStats } from "./stats/latency_histogram.ts";
import type { StoreStats } from "./store/store.ts";
import { GroupCacheError } from "./errors.ts";
import type { Cancellation } from "./timing/cancellation.ts";

/**
 * Contents and counters of one of a group's two caches.
 *
 * @example
 * ```ts
 * import { type CacheStats, GroupCache } from "@groupcache/groupcache";
 * import { assertEquals } from "@std/assert";
 *
 * await using cache = new GroupCache();
 * const pages = cache.group("pages", { maxBytes: 1 << 20, load: () => "hello" });
 * await pages.get("/");
 * const { items, payloadBytes }: CacheStats = pages.stats().main;
 * assertEquals([items, payloadBytes], [1, "/".length + "hello".length]);
 * ```
 */
export type CacheStats = StoreStats;

/**
 * Answered gets, by source. Each get counts once.
 *
 * @example
 * ```ts
 * import { type AnswerCounts, GroupCache } from "@groupcache/groupcache";
 * import { assertEquals } from "@std/assert";
 *
 * await using cache = new GroupCache();
 * const pages = cache.group("pages", { maxBytes: 1 << 20, load: () => "hello" });
 * for (let get = 0; get < 3; get++) await pages.get("/");
 * const { load, main }: AnswerCounts = pages.stats().answers;
 * assertEquals({ load, main }, { load: 1, main: 2 });
 * ```
 */
export interface AnswerCounts {
  /** From this process's main cache. */
  main: number;
  /** From a mirror in this process of a key that another process owns. */
  mirror: number;
  /** From a peer: its memory or its loader. */
  peer: number;
  /** From a previous owner that still had it in memory, which saved a load. */
  handoff: number;
  /** From this process's loader. */
  load: number;
  /** No such value, according to the loader of this process or of a peer. */
  notFound: number;
  /** Failed. */
  error: number;
  /** Abandoned: the caller's signal aborted first. */
  aborted: number;
}

/**
 * Latencies of a group.
 *
 * @example
 * ```ts
 * import { GroupCache, type GroupLatencies } from "@groupcache/groupcache";
 *
 * await using cache = new GroupCache();
 * const pages = cache.group("pages", { maxBytes: 1 << 20, load: () => "hello" });
 * await pages.get("/");
 * const { load }: GroupLatencies = pages.stats().latencies;
 * console.log(`${load.sumMs / load.count} ms per load on average`);
 * ```
 */
export interface GroupLatencies {
  /** Gets of the application. Hits count as taking no time. */
  get: LatencyStats;
  /** Responses of peers to this process. */
  peer: LatencyStats;
  /** Runs of the loader in this process, failed ones included. */
  load: LatencyStats;
}

/**
 * The counters of a group. All but `maxBytes` and the contents of the caches (`items`, `payloadBytes`,
 * `bytes`, `lentBytes`) only grow. They are named after those of Go groupcache where they match, except that its `LoadsDeduped` is called
 * `loadsExecuted` here: it counts the loads that remain after sharing.
 *
 * @example
 * ```ts
 * import { GroupCache, type GroupStats } from "@groupcache/groupcache";
 * import { assertEquals } from "@std/assert";
 *
 * const hitRatio = ({ hits, gets }: GroupStats): number => hits / gets;
 *
 * await using cache = new GroupCache();
 * const pages = cache.group("pages", { maxBytes: 1 << 20, load: () => "hello" });
 * for (let get = 0; get < 4; get++) await pages.get("/");
 * assertEquals(hitRatio(pages.stats()), 0.75);
 * ```
 */
export interface GroupStats {
  /** Gets of this process's application that have been answered: the sum of `answers`. */
  gets: number;
  /** Gets answered from this process's memory: `answers.main` plus `answers.mirror`. */
  hits: number;
  /** Gets of the application, by where they were answered from. */
  answers: AnswerCounts;
  /** Gets of peers, by where they were answered from. Peeks that found nothing do not count. */
  peerAnswers: AnswerCounts;
  /** Gets that missed in memory, of the application and of peers. */
  loads: number;
  /** Loads that joined one in flight instead of starting their own. */
  loadsShared: number;
  /** Loads that started: `loads` minus `loadsShared`. */
  loadsExecuted: number;
  /** Runs of the loader in this process that returned a value. */
  localLoads: number;
  /** Runs of the loader in this process that failed. */
  localLoadErrors: number;
  /** Values found in the memory of another process instead of running the loader. */
  peekLoads: number;
  /** Values transferred by processes that left. */
  handoffs: number;
  /** Values received from peers. */
  peerLoads: number;
  /** Requests that failed because of the peer. */
  peerErrors: number;
  /** Second requests, sent to another process (or run as a load here) while the first was overdue. */
  hedges: number;
  /** Second requests whose answer was used. */
  hedgesWon: number;
  /** Requests for a key from peers, including peeks. */
  serverRequests: number;
  /** Requests from peers for keys hot enough to mirror. */
  hotServerRequests: number;
  /** Values owned by other processes that were mirrored here. */
  mirrored: number;
  /** The memory that the group may take, in bytes. */
  maxBytes: number;
  /** The main cache: keys that this process owns or stands in for. */
  main: CacheStats;
  /** The hot cache: mirrors of keys that other processes own. */
  hot: CacheStats;
  /** Latencies. */
  latencies: GroupLatencies;
}

/**
 * How a process sees a peer.
 *
 * | state     | meaning                                                             |
 * | --------- | ------------------------------------------------------------------- |
 * | `unknown` | it has not replied yet                                              |
 * | `up`      | it replies                                                          |
 * | `down`    | it is only probed from time to time                                 |
 * | `leaving` | it accepts no new work                                              |
 *
 * @example
 * ```ts
 * import { GroupCache, type PeerState } from "@groupcache/groupcache";
 * import { assertEquals } from "@std/assert";
 *
 * const self = "http://10.0.0.1:8080";
 * await using cache = new GroupCache({ self, peers: [self, "http://10.0.0.2:8080"] });
 * const states: PeerState[] = cache.stats().peers.map(({ state }) => state);
 * assertEquals(states, ["unknown"]);
 * ```
 */
export type PeerState = "unknown" | "up" | "down" | "leaving";

/**
 * A peer as a process sees it, as a plain JSON value.
 *
 * @example
 * ```ts
 * import { GroupCache, type PeerStats } from "@groupcache/groupcache";
 *
 * const line = ({ url, state, p99Ms, lastError }: PeerStats): string =>
 *   `${url} is ${state}, p99 ${p99Ms ?? "?"} ms, last failure: ${lastError?.message ?? "none"}`;
 *
 * const self = "http://10.0.0.1:8080";
 * await using cache = new GroupCache({ self, peers: [self, "http://10.0.0.2:8080"] });
 * for (const peer of cache.stats().peers) console.log(line(peer));
 * ```
 */
export interface PeerStats {
  /** The peer's base URL. */
  url: string;
  /** Its state. */
  state: PeerState;
  /** When that state began, in Unix milliseconds. */
  sinceMs: number;
  /** The last failure and its time, in Unix milliseconds; null if there was none. */
  lastError: { message: string; atMs: number } | null;
  /** Gets sent to it. */
  calls: number;
  /** Gets that failed because of it. */
  failures: number;
  /** The median latency over the last 30 to 60 seconds, in milliseconds; null without responses. */
  p50Ms: number | null;
  /** The 99th percentile of the latency over the same time, in milliseconds; null likewise. */
  p99Ms: number | null;
  /** Its disagreements with this process, in words. */
  mismatches: string[];
}

/**
 * The counters of a cache, as a plain JSON value.
 *
 * @example
 * ```ts
 * import { GroupCache, type GroupCacheStats } from "@groupcache/groupcache";
 * import { assertEquals } from "@std/assert";
 *
 * await using cache = new GroupCache();
 * cache.group("pages", { maxBytes: 1 << 20, load: () => "hello" });
 * const { state, self, groups }: GroupCacheStats = cache.stats();
 * assertEquals([state, self, Object.keys(groups)], ["serving", null, ["pages"]]);
 * ```
 */
export interface GroupCacheStats {
  /** The base URL of this process; null if it has none. */
  self: string | null;
  /** Identifies this run of the process. */
  instance: string;
  /** When the cache was created, in Unix milliseconds. */
  startedAtMs: number;
  /** When these counters were read, in Unix milliseconds. */
  nowMs: number;
  /** Whether the cache is serving, draining or closed. */
  state: "serving" | "leaving" | "closed";
  /** The name of the placement in use. */
  placement: string;
  /** The other processes, as this one sees them. */
  peers: PeerStats[];
  /** The counters of each group, by name. */
  groups: Record<string, GroupStats>;
}

/** The sources of answers other than memory. */
export type AnswerSource = Exclude<keyof AnswerCounts, "main" | "mirror">;

/** The counters of a group, as they are incremented. */
export interface Counters extends PlainCounters {
  readonly answers: AnswerCounts;
  readonly peerAnswers: AnswerCounts;
  readonly latencies: GroupHistograms;
}

type PlainCounters = Omit<
  GroupStats,
  | "gets"
  | "hits"
  | "answers"
  | "peerAnswers"
  | "loadsShared"
  | "maxBytes"
  | "main"
  | "hot"
  | "latencies"
>;

/** Counters at zero. */
export function newCounters(): Counters {
  return {
    answers: newAnswerCounts(),
    peerAnswers: newAnswerCounts(),
    latencies: {
      get: new LatencyHistogram(),
      peer: new LatencyHistogram(),
      load: new LatencyHistogram(),
    },
    loads: 0,
    loadsExecuted: 0,
    localLoads: 0,
    localLoadErrors: 0,
    peekLoads: 0,
    handoffs: 0,
    peerLoads: 0,
    peerErrors: 0,
    hedges: 0,
    hedgesWon: 0,
    serverRequests: 0,
    hotServerRequests: 0,
    mirrored: 0,
  };
}

/** Creates counts of zero. */
export function newAnswerCounts(): AnswerCounts {
  return { main: 0, mirror: 0, peer: 0, handoff: 0, load: 0, notFound: 0, error: 0, aborted: 0 };
}

/** Adds up all counts. */
export function totalOf(answers: AnswerCounts): number {
  return answers.main + answers.mirror + answers.peer + answers.handoff + answers.load +
    answers.notFound + answers.error + answers.aborted;
}

/** The histograms of a group's latencies. */
export interface GroupHistograms {
  readonly get: LatencyHistogram;
  readonly peer: LatencyHistogram;
  readonly load: LatencyHistogram;
}

/** Classifies a failed get. */
export function sourceOfError(error: unknown, signal: Cancellation | undefined): AnswerSource {
  if (signal?.aborted && error === signal.reason) return "aborted";
  return error instanceof GroupCacheError && error.code === "not-found" ? "notFound" : "error";
}

/** Returns the current counters, without those of memory. */
export function statsOf(counters: Counters): Omit<GroupStats, "maxBytes" | "main" | "hot"> {
  const { answers, peerAnswers, latencies, ...plain } = counters;
  const hits = answers.main + answers.mirror;
  return {
    ...plain,
    gets: totalOf(answers),
    hits,
    answers: { ...answers },
    peerAnswers: { ...peerAnswers },
    loadsShared: plain.loads - plain.loadsExecuted,
    latencies: {
      get: withQuick(latencies.get.stats(), hits),
      peer: latencies.peer.stats(),
      load: latencies.load.stats(),
    },
  };
}

/** Adds hits, which are not timed: reading the clock twice would double the cost of a hit. */
function withQuick(stats: LatencyStats, count: number): LatencyStats {
  const [quick = 0, ...slower] = stats.buckets;
  return { ...stats, count: stats.count + count, buckets: [quick + count, ...slower] };
}
