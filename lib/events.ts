import type { GroupCacheError } from "./errors.ts";

/**
 * A loader failed in this process. A value that does not exist is not a failure.
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
  /** The key that was being loaded. */
  readonly key: string;
  /** The error that the callers got; its `cause` is what the loader threw. */
  readonly error: GroupCacheError;

  /**
   * Created by the cache.
   *
   * @param init The values of the members.
   */
  constructor(init: { group: string; key: string; error: GroupCacheError }) {
    super("load-error");
    this.group = init.group;
    this.key = init.key;
    this.error = init.error;
  }
}

/**
 * A request to a peer failed. The caller is still served, by the next peer or by this process.
 *
 * @example
 * ```ts
 * import { GroupCache } from "@groupcache/groupcache";
 *
 * await using cache = new GroupCache();
 * cache.addEventListener("peer-error", ({ peer, error }) => console.warn(peer, error.message));
 * ```
 */
export class PeerErrorEvent extends Event {
  /** The base URL of the peer. */
  readonly peer: string;
  /** The failure, with code `peer-failed`. */
  readonly error: GroupCacheError;

  /**
   * Created by the cache.
   *
   * @param init The values of the members.
   */
  constructor(init: { peer: string; error: GroupCacheError }) {
    super("peer-error");
    this.peer = init.peer;
    this.error = init.error;
  }
}

/**
 * A peer is considered down: its circuit breaker has opened. The next peers in the order of each key
 * take over its keys, and the peer is probed from time to time.
 *
 * @example
 * ```ts
 * import { GroupCache } from "@groupcache/groupcache";
 *
 * await using cache = new GroupCache();
 * cache.addEventListener("peer-down", ({ peer, error }) => console.warn(peer, error.message));
 * ```
 */
export class PeerDownEvent extends Event {
  /** The base URL of the peer. */
  readonly peer: string;
  /** The last failure, with code `peer-failed`. */
  readonly error: GroupCacheError;

  /**
   * Created by the cache.
   *
   * @param init The values of the members.
   */
  constructor(init: { peer: string; error: GroupCacheError }) {
    super("peer-down");
    this.peer = init.peer;
    this.error = init.error;
  }
}

/**
 * A peer that was down is used again: it has answered a probe, or said that it has restarted.
 *
 * @example
 * ```ts
 * import { GroupCache } from "@groupcache/groupcache";
 *
 * await using cache = new GroupCache();
 * cache.addEventListener("peer-up", ({ peer }) => console.info(`${peer} is back`));
 * ```
 */
export class PeerUpEvent extends Event {
  /** The base URL of the peer. */
  readonly peer: string;

  /**
   * Created by the cache.
   *
   * @param init The values of the members.
   */
  constructor(init: { peer: string }) {
    super("peer-up");
    this.peer = init.peer;
  }
}

/**
 * How this process and a peer disagree.
 *
 * | kind        | meaning                                                                        |
 * | ----------- | ------------------------------------------------------------------------------ |
 * | `self`      | the list of peers contains this process under a name other than its `self`     |
 * | `name`      | two processes share a name, or a peer's `self` differs from the list's entry   |
 * | `placement` | the peer uses another placement                                                |
 * | `peers`     | the peer's list of peers has differed for longer than a minute                 |
 *
 * @example
 * ```ts
 * import { GroupCache, type PeerMismatchKind } from "@groupcache/groupcache";
 *
 * const counts = new Map<PeerMismatchKind, number>();
 *
 * await using cache = new GroupCache();
 * cache.addEventListener("peer-mismatch", ({ kind }) => {
 *   counts.set(kind, (counts.get(kind) ?? 0) + 1);
 * });
 * ```
 */
export type PeerMismatchKind = "self" | "name" | "placement" | "peers";

/**
 * This process and a peer disagree on the members of the cluster or their placement, and so on who owns
 * a key. Values are still served, but may be loaded more than once.
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
  /** What they disagree on. */
  readonly kind: PeerMismatchKind;
  /** The base URL of the peer, as this process knows it. */
  readonly peer: string;
  /** A description for people. */
  readonly message: string;

  /**
   * Created by the cache.
   *
   * @param init The values of the members.
   */
  constructor(init: { kind: PeerMismatchKind; peer: string; message: string }) {
    super("peer-mismatch");
    this.kind = init.kind;
    this.peer = init.peer;
    this.message = init.message;
  }
}

/**
 * There is no new list of peers: the source failed, or its list is invalid. The previous list remains in
 * force.
 *
 * @example
 * ```ts
 * import { GroupCache } from "@groupcache/groupcache";
 *
 * await using cache = new GroupCache();
 * cache.addEventListener("discovery-error", ({ error }) => console.warn(error.message));
 * ```
 */
export class DiscoveryErrorEvent extends Event {
  /** The failure. */
  readonly error: Error;

  /**
   * Created by the cache.
   *
   * @param error The failure.
   */
  constructor(error: Error) {
    super("discovery-error");
    this.error = error;
  }
}

/**
 * Why a proof was rejected, on either side.
 *
 * | reason           | meaning                                                                     |
 * | ---------------- | --------------------------------------------------------------------------- |
 * | `no-proof`       | a request or reply had no proof                                             |
 * | `bad-proof`      | the proof is wrong, or is for another request or process                    |
 * | `unknown-secret` | a request was signed with a secret unknown to this process                  |
 * | `replayed`       | a request was received before                                               |
 * | `not-authorized` | `authorize` rejected a request                                              |
 * | `unconfirmed`    | a message in a peer's name has effects that the peer, asked itself, denies  |
 * | `refused`        | a peer rejected a request of this process                                   |
 * | `no-secret`      | the function for the secrets failed: see `error`; the previous ones remain  |
 *
 * @example
 * ```ts
 * import { GroupCache, type UnauthorizedReason } from "@groupcache/groupcache";
 *
 * const attacks: ReadonlySet<UnauthorizedReason> = new Set(["bad-proof", "replayed"]);
 *
 * await using cache = new GroupCache();
 * cache.addEventListener("peer-unauthorized", ({ reason, count }) => {
 *   if (attacks.has(reason)) console.error(`${reason}: ${count} times`);
 * });
 * ```
 */
export type UnauthorizedReason =
  | "no-proof"
  | "bad-proof"
  | "unknown-secret"
  | "replayed"
  | "not-authorized"
  | "unconfirmed"
  | "refused"
  | "no-secret";

/**
 * A request to this process, or a peer's reply to it, did not prove that it comes from the cluster.
 * Reported at most once a second for each reason and peer.
 *
 * @example
 * ```ts
 * import { GroupCache } from "@groupcache/groupcache";
 *
 * await using cache = new GroupCache();
 * cache.addEventListener("peer-unauthorized", ({ reason, peer, count }) => {
 *   console.warn(`${reason}: ${peer ?? "a caller of this process"}, ${count} times`);
 * });
 * ```
 */
export class PeerUnauthorizedEvent extends Event {
  /** The reason. */
  readonly reason: UnauthorizedReason;
  /** The base URL of the peer that was asked; undefined if this process was asked. */
  readonly peer: string | undefined;
  /** Whether the request or reply was rejected. In mode `"send"` it may be only reported. */
  readonly isRefused: boolean;
  /** The number of occurrences since the last such event. */
  readonly count: number;
  /** The underlying error, if any. */
  readonly error: unknown;

  /**
   * Created by the cache.
   *
   * @param init The values of the members.
   */
  constructor(
    init: {
      reason: UnauthorizedReason;
      peer?: string | undefined;
      isRefused: boolean;
      count: number;
      error?: unknown;
    },
  ) {
    super("peer-unauthorized");
    this.reason = init.reason;
    this.peer = init.peer;
    this.isRefused = init.isRefused;
    this.count = init.count;
    this.error = init.error;
  }
}

/**
 * Anyone who can reach this process can read and change its cache: `self` is reachable from other
 * machines, and neither `auth` nor `authorize` is set. Reported once, right after the cache was created.
 *
 * @example
 * ```ts
 * import { GroupCache } from "@groupcache/groupcache";
 *
 * await using cache = new GroupCache({ self: "http://10.0.0.1:8080" });
 * cache.addEventListener("unprotected", ({ message }) => console.warn(message));
 * ```
 */
export class UnprotectedEvent extends Event {
  /** A description for people. */
  readonly message: string;

  /**
   * Created by the cache.
   *
   * @param message A description for people.
   */
  constructor(message: string) {
    super("unprotected");
    this.message = message;
  }
}

/**
 * Something else is wrong that costs loads, or will.
 *
 * @example
 * ```ts
 * import { GroupCache } from "@groupcache/groupcache";
 *
 * await using cache = new GroupCache();
 * cache.addEventListener("problem", ({ cause, message }) => console.warn(cause, message));
 * ```
 */
export class ProblemEvent extends Event {
  /**
   * What kind of thing it is, for programs: `unknown-group` (a peer asks for a group that is not
   * here), `too-large` (a value that the group's memory cannot hold) or `no-peers`.
   */
  readonly cause: string;
  /** What is wrong and what to look at, for people. */
  readonly message: string;
  /** What it is about, such as the name of a group. */
  readonly subject: string;

  /**
   * Created by the cache.
   *
   * @param init The members.
   */
  constructor(init: { cause: string; message: string; subject: string }) {
    super("problem");
    this.cause = init.cause;
    this.message = init.message;
    this.subject = init.subject;
  }
}

/**
 * The events of a cache by name, for `addEventListener`.
 *
 * @example
 * ```ts
 * import { GroupCache, type GroupCacheEventMap } from "@groupcache/groupcache";
 *
 * await using cache = new GroupCache();
 * const names: (keyof GroupCacheEventMap)[] = ["peer-down", "peer-up", "discovery-error"];
 * for (const name of names) cache.addEventListener(name, (event) => console.warn(event.type));
 * ```
 */
export interface GroupCacheEventMap {
  /** A loader failed. */
  "load-error": LoadErrorEvent;
  /** A request to a peer failed. */
  "peer-error": PeerErrorEvent;
  /** A peer is considered down. */
  "peer-down": PeerDownEvent;
  /** A peer that was down is used again. */
  "peer-up": PeerUpEvent;
  /** This process and a peer disagree on the cluster. */
  "peer-mismatch": PeerMismatchEvent;
  /** A request or a reply did not prove that it comes from the cluster. */
  "peer-unauthorized": PeerUnauthorizedEvent;
  /** Anyone who can reach this process can use its cache. */
  "unprotected": UnprotectedEvent;
  /** There is no new list of peers. */
  "discovery-error": DiscoveryErrorEvent;
  /** Something else is wrong. */
  "problem": ProblemEvent;
}
