import type { StoreStats } from "./store/store.ts";

/** What one of a group's two caches holds and counts. */
export type CacheStats = StoreStats;

/**
 * What a group counts; all but the caches' `items` and `bytes` only grow. The counters are those
 * of Go groupcache, except that its `LoadsDeduped` is called `loadsExecuted` here, because it
 * counts the loads that remain after sharing.
 */
export interface GroupStats {
  /** Gets, those that came from peers included. */
  gets: number;
  /** Gets answered from this process's memory, main cache or hot cache. */
  hits: number;
  /** Gets that memory could not answer. */
  loads: number;
  /** Loads that waited for one under way instead of starting their own. */
  loadsShared: number;
  /** Loads that started: `loads` less `loadsShared`. */
  loadsExecuted: number;
  /** Runs of the loader in this process that brought a value. */
  localLoads: number;
  /** Runs of the loader in this process that failed. */
  localLoadErrors: number;
  /** Values that spared a run of the loader, because another process still had them in memory. */
  peekLoads: number;
  /** Values that processes handed over when they left. */
  handoffs: number;
  /** Values that came from peers. */
  peerLoads: number;
  /** Times that a peer could not be asked. */
  peerErrors: number;
  /** Second requests, sent to another process (or run as a load here) while the first was overdue. */
  hedges: number;
  /** Those of them whose answer was taken. */
  hedgesWon: number;
  /** Requests for a key that came from peers. */
  serverRequests: number;
  /** Those of them that were for keys hot enough to mirror. */
  hotServerRequests: number;
  /** Values of other processes that were mirrored here. */
  mirrored: number;
  /** The keys that this process owns, or stands in for. */
  main: CacheStats;
  /** Mirrors of keys that other processes own. */
  hot: CacheStats;
}

/** What a cache counts, as a plain JSON value. */
export interface GroupCacheStats {
  /** By what this process is known to its peers. */
  self: string | null;
  /** The base URLs of all peers, this process included. */
  peers: string[];
  /** Each group's counters, by its name. */
  groups: Record<string, GroupStats>;
}

/** A group's counters without the caches. */
export type Counters = Omit<GroupStats, "main" | "hot" | "loadsShared">;

/** Counters that have counted nothing. */
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
