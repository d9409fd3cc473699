import type { Discovery } from "./discovery/discovery.ts";
import { quote } from "./errors.ts";
import { checkDuration } from "./group_options.ts";
import type { Fetch } from "./runtime.ts";
import { checkLimits, type PeerLimits } from "./http/peer_limits.ts";
import type { Placement } from "./placement/placement.ts";
import { rendezvous } from "./placement/rendezvous.ts";
import { type Clock, systemClock } from "./timing/clock.ts";

/** Options for {@linkcode GroupCache}. */
export interface GroupCacheOptions {
  /**
   * How the others reach this process: scheme, host and port, as `http://10.0.0.1:8080`.
   *
   * @default none, for a process that has no others
   */
  self?: string;
  /**
   * The base URLs of all processes, this one included, or what finds them: see `./discovery`.
   * `setPeers` may give or change the list later.
   *
   * @default this process alone
   */
  peers?: readonly string[] | Discovery;
  /**
   * Which processes a key belongs to. All must use the same; a cluster with Go processes needs
   * their ring.
   *
   * @default rendezvous()
   */
  placement?: Placement;
  /**
   * The path under which peers serve each other, with a slash at both ends.
   *
   * @default "/_groupcache/"
   */
  basePath?: string;
  /**
   * How long a peer may give no sign of life, in milliseconds, before the next one is asked. A
   * peer that is busy loading gives signs of life, so this need not allow for slow loads; only
   * those of Go give none. A peer that answers nobody is given up sooner: after 4 times its longest
   * recent silence, though not within a second.
   *
   * @default 10000
   */
  peerTimeoutMs?: number;
  /**
   * How long after a change a process asks the one that owned a key before whether it still has it
   * in memory, before it loads it, in milliseconds. A change is one of the list of peers, its own
   * start, or that it and others can reach each other again. 0 to never ask.
   *
   * @default 300000
   */
  handoffMs?: number;
  /**
   * Whether a `get` that waits for a peer for longer than 99 of 100 answers of that peer take, for
   * the same group, is sent to the next process in the key's order as well, which may be this one.
   * The first answer is taken and the other request cancelled. That shortens the longest waits; the
   * price is a second load of the key where neither the next process has it in memory nor the first
   * one shows that it does. At most 5 % more requests are sent, and none before 100 answers have
   * come. `set` and `remove` are never sent twice.
   *
   * @default false
   */
  hedge?: boolean;
  /** What bounds what travels between peers; what is not given keeps its default. */
  limits?: Partial<PeerLimits>;
  /**
   * Sends requests to peers.
   *
   * @default globalThis.fetch
   */
  fetch?: Fetch;
  /**
   * Where time and timers come from.
   *
   * @default the runtime's
   */
  clock?: Clock;
  /**
   * Where chance comes from: a number from 0 to less than 1.
   *
   * @default Math.random
   */
  random?: () => number;
}

/** The options of a cache, checked and with their defaults. */
export type CheckedGroupCacheOptions =
  & Required<Omit<GroupCacheOptions, "self" | "peers" | "limits">>
  & Pick<GroupCacheOptions, "self" | "peers">
  & { limits: PeerLimits };

/**
 * Checks what came in and fills in the defaults. URLs are checked where they are used.
 *
 * @throws {TypeError} If an option is not of its type.
 * @throws {RangeError} If a number is out of range.
 */
export function checkGroupCacheOptions(options: GroupCacheOptions): CheckedGroupCacheOptions {
  const {
    self,
    peers,
    placement = rendezvous(),
    basePath = "/_groupcache/",
    peerTimeoutMs = 10_000,
    handoffMs = 300_000,
    hedge = false,
    limits = {},
    fetch = (input, init) => globalThis.fetch(input, init),
    clock = systemClock,
    random = Math.random,
  } = options;
  if (!/^\/(.*\/)?$/.test(basePath) || new URL(`http://peer${basePath}`).pathname !== basePath) {
    throw new TypeError(
      "Cannot create GroupCache: basePath must begin and end with a slash, and be as URLs have " +
        `it: received ${quote(basePath)}`,
    );
  }
  checkDuration("create GroupCache", "peerTimeoutMs", peerTimeoutMs);
  if (handoffMs !== 0) checkDuration("create GroupCache", "handoffMs", handoffMs);
  if (typeof hedge !== "boolean") {
    throw new TypeError(
      `Cannot create GroupCache: hedge must be a boolean: received ${quote(hedge)}`,
    );
  }
  return {
    ...(self !== undefined && { self }),
    ...(peers !== undefined && { peers }),
    placement,
    basePath,
    peerTimeoutMs,
    handoffMs,
    hedge,
    limits: checkLimits(limits),
    fetch,
    clock,
    random,
  };
}
