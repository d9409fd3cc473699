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

/**
 * A peer is given up for a while: its circuit breaker has opened. Its keys go to the peers that come
 * next for them, and it is probed from time to time.
 */
export class PeerDownEvent extends Event {
  /** The base URL of the peer. */
  readonly peer: string;
  /** What was wrong last, with code `peer-failed`. */
  readonly error: GroupCacheError;

  /**
   * Made by the cache.
   *
   * @param init What the members say.
   */
  constructor(init: { peer: string; error: GroupCacheError }) {
    super("peer-down");
    this.peer = init.peer;
    this.error = init.error;
  }
}

/** A peer that was given up is asked again: it has answered a probe, or said that it is back. */
export class PeerUpEvent extends Event {
  /** The base URL of the peer. */
  readonly peer: string;

  /**
   * Made by the cache.
   *
   * @param init What the members say.
   */
  constructor(init: { peer: string }) {
    super("peer-up");
    this.peer = init.peer;
  }
}

/**
 * What does not go together with a peer.
 *
 * | kind        | meaning                                                                        |
 * | ----------- | ------------------------------------------------------------------------------ |
 * | `self`      | the list of peers holds this process under another name than its `self`        |
 * | `name`      | two processes have one name, or one calls itself otherwise than the list does  |
 * | `placement` | the peer places keys by other rules                                            |
 * | `peers`     | the peer's list of peers has been another one for longer than a minute         |
 */
export type PeerMismatchKind = "self" | "name" | "placement" | "peers";

/**
 * This process and a peer do not agree on who is who, and so not on who owns a key. Values are
 * served all the same, but loaded more often than once.
 *
 * @example
 * ```ts
 * import { GroupCache } from "@groupcache/groupcache";
 *
 * await using cache = new GroupCache();
 * cache.addEventListener("peer-mismatch", ({ kind, message }) => console.warn(kind, message));
 * ```
 */
export class PeerMismatchEvent extends Event {
  /** What does not go together. */
  readonly kind: PeerMismatchKind;
  /** The base URL of the peer, as this process knows it. */
  readonly peer: string;
  /** What is wrong and with whom, for people. */
  readonly message: string;

  /**
   * Made by the cache.
   *
   * @param init What the members say.
   */
  constructor(init: { kind: PeerMismatchKind; peer: string; message: string }) {
    super("peer-mismatch");
    this.kind = init.kind;
    this.peer = init.peer;
    this.message = init.message;
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
  /** A peer is given up for a while. */
  "peer-down": PeerDownEvent;
  /** A peer is asked again. */
  "peer-up": PeerUpEvent;
  /** This process and a peer do not agree on who is who. */
  "peer-mismatch": PeerMismatchEvent;
  /** There is no new list of peers. */
  "discovery-error": DiscoveryErrorEvent;
}
