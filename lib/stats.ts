import type { StoreStats } from "./store/store.ts";

/** Contents and counters of one of a group's two caches. */
export type CacheStats = StoreStats;

/**
 * The counters of a group. They only grow. They are those of Go groupcache, except that its
 * `LoadsDeduped` is called `loadsExecuted` here: it counts the loads that remain after sharing.
 */
export interface GroupStats {
  /** Gets, including those from peers. */
  gets: number;
  /** Gets answered from this process's memory, main cache or hot cache. */
  hits: number;
  /** Gets that missed in memory. */
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
  /** Requests that failed because a peer could not be asked. */
  peerErrors: number;
  /** Second requests, sent to another process (or run as a load here) while the first was overdue. */
  hedges: number;
  /** Second requests whose answer was used. */
  hedgesWon: number;
  /** Requests for a key from peers. */
  serverRequests: number;
  /** Requests from peers for keys hot enough to mirror. */
  hotServerRequests: number;
  /** Values owned by other processes that were mirrored here. */
  mirrored: number;
  /** The main cache: keys that this process owns or stands in for. */
  main: CacheStats;
  /** The hot cache: mirrors of keys that other processes own. */
  hot: CacheStats;
}

/** The counters of a cache, as a plain JSON value. */
export interface GroupCacheStats {
  /** The base URL by which peers know this process; null if it has none. */
  self: string | null;
  /** The base URLs of all peers, this process included. */
  peers: string[];
  /** Each group's counters, by its name. */
  groups: Record<string, GroupStats>;
}

/** A group's own counters, without those of its caches. */
export type Counters = Omit<GroupStats, "main" | "hot" | "loadsShared">;

/** Counters at zero. */
export function newCounters(): Counters {
  return {
    gets: 0,
    hits: 0,
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
