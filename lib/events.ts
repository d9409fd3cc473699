import type { GroupCacheError } from "./errors.ts";

/**
 * A loader failed, in this process. That a value does not exist is no failure.
 *
 * @example
 * ```ts
 * import { GroupCache } from "@groupcache/groupcache";
 * import { assertEquals } from "@std/assert";
 *
 * await using cache = new GroupCache();
 * const failures: string[] = [];
 * cache.addEventListener("load-error", (event) => failures.push(event.key));
 *
 * const pages = cache.group("pages", {
 *   maxBytes: 1 << 20,
 *   load: () => {
 *     throw new Error("the origin is down");
 *   },
 * });
 * await pages.get("index").catch(() => {});
 * assertEquals(failures, ["index"]);
 * ```
 */
export class LoadErrorEvent extends Event {
  /** The name of the group. */
  readonly group: string;
  /** The key that was to be loaded. */
  readonly key: string;
  /** What the callers got: its `cause` is what the loader threw. */
  readonly error: GroupCacheError;

  /**
   * Made by the cache.
   *
   * @param init What the members say.
   */
  constructor(init: { group: string; key: string; error: GroupCacheError }) {
    super("load-error");
    this.group = init.group;
    this.key = init.key;
    this.error = init.error;
  }
}

/** A peer could not be asked. The caller is served all the same: by the next peer, or from here. */
export class PeerErrorEvent extends Event {
  /** The base URL of the peer. */
  readonly peer: string;
  /** What was wrong, with code `peer-failed`. */
  readonly error: GroupCacheError;

  /**
   * Made by the cache.
   *
   * @param init What the members say.
   */
  constructor(init: { peer: string; error: GroupCacheError }) {
    super("peer-error");
    this.peer = init.peer;
    this.error = init.error;
  }
}

/** There is no new list of peers: its source failed, or the list was bad. The old list stays. */
export class DiscoveryErrorEvent extends Event {
  /** What was wrong. */
  readonly error: Error;

  /**
   * Made by the cache.
   *
   * @param error What was wrong.
   */
  constructor(error: Error) {
    super("discovery-error");
    this.error = error;
  }
}

/** The events of a cache, by name. */
export interface GroupCacheEventMap {
  /** A loader failed. */
  "load-error": LoadErrorEvent;
  /** A peer could not be asked. */
  "peer-error": PeerErrorEvent;
  /** There is no new list of peers. */
  "discovery-error": DiscoveryErrorEvent;
}
