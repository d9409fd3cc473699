import type { Discovery } from "./discovery/discovery.ts";
import { quote } from "./errors.ts";
import { checkDuration } from "./group_options.ts";
import type { Fetch } from "./runtime.ts";
import { checkLimits, type PeerLimits } from "./http/peer_limits.ts";
import type { Log } from "./problems.ts";
import type { Placement } from "./placement/placement.ts";
import { rendezvous } from "./placement/rendezvous.ts";
import { type Clock, systemClock } from "./timing/clock.ts";

/** Options for {@linkcode GroupCache}. */
export interface GroupCacheOptions {
  /**
   * How peers reach this process: scheme, host and port, as `http://10.0.0.1:8080`.
   *
   * @default none: a process without peers
   */
  self?: string;
  /**
   * The base URLs of all processes, this one included, or a source that finds them: see
   * `./discovery`. `setPeers` may set or change the list later.
   *
   * @default this process alone
   */
  peers?: readonly string[] | Discovery;
  /**
   * Decides which process owns a key. All processes must use the same; a cluster with Go processes
   * needs their ring.
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
   * peer that is busy loading gives signs of life, so this need not allow for slow loads; only Go
   * peers give none. A peer that answers no request at all is given up sooner: after 4 times its
   * longest recent silence, but not within a second.
   *
   * @default 10000
   */
  peerTimeoutMs?: number;
  /**
   * How long after a change a process that misses asks the key's previous owner for the value in its
   * memory before it loads, in milliseconds. A change is a new list of peers, the start of this
   * process, or the end of a time when processes could not reach each other. 0 turns this off.
   *
   * @default 300000
   */
  handoffMs?: number;
  /**
   * Whether a `get` that waits for a peer longer than 99 of 100 of its answers in this group take is
   * also sent to the next process in the key's order, which may be this one. The first answer wins,
   * and the other request is cancelled. This shortens the longest waits. The price is a second load
   * if neither process has the key in memory. At most 5 % more requests are sent, and none before
   * 100 answers were measured. `set` and `remove` are never sent twice.
   *
   * @default false
   */
  hedge?: boolean;
  /** Bounds what travels between peers. Limits that are left out keep their defaults. */
  limits?: Partial<PeerLimits>;
  /**
   * The function that sends requests to peers.
   *
   * @default globalThis.fetch
   */
  fetch?: Fetch;
  /**
   * The source of time and timers.
   *
   * @default the runtime's clock
   */
  clock?: Clock;
  /**
   * The source of randomness: returns a number from 0 to less than 1.
   *
   * @default Math.random
   */
  random?: () => number;
  /**
   * Where to tell what goes wrong, such as a peer that does not answer as one: a function, `console`,
   * or `false` for nowhere. The same is told by events.
   *
   * @default one plain warning per cause on the console, unless there is a listener for its event
   */
  log?: Log | false;
}

/** The options of a cache, checked and with their defaults. */
export type CheckedGroupCacheOptions =
  & Required<Omit<GroupCacheOptions, "self" | "peers" | "limits" | "log">>
  & Pick<GroupCacheOptions, "self" | "peers">
  & { log: Log | false | undefined }
  & { limits: PeerLimits };

/**
 * Checks the options and fills in the defaults. URLs are checked where they are used.
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
    log,
  } = options;
  const isLog = log === undefined || log === false || typeof log === "function" ||
    (["info", "warn", "error"] as const).every((level) => typeof log?.[level] === "function");
  if (!isLog) {
    throw new TypeError(
      `Cannot create GroupCache: log must be a function, console, or false: received ${quote(log)}`,
    );
  }
  if (!/^\/(.*\/)?$/.test(basePath) || new URL(`http://peer${basePath}`).pathname !== basePath) {
    throw new TypeError(
      "Cannot create GroupCache: basePath must begin and end with a slash, and be normalized as in " +
        `URLs: received ${quote(basePath)}`,
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
    log,
  };
}
