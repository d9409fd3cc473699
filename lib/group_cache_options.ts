import { type AuthOptions, checkAuthOptions } from "./auth/auth_options.ts";
import type { Authorize } from "./auth/authorize.ts";
import type { Discovery } from "./discovery/discovery.ts";
import { quote } from "./errors.ts";
import { checkDuration } from "./group_options.ts";
import type { Fetch } from "./runtime.ts";
import { checkLimits, type PeerLimits } from "./http/peer_limits.ts";
import type { Log } from "./problems.ts";
import type { Placement } from "./placement/placement.ts";
import { rendezvous } from "./placement/rendezvous.ts";
import { type Clock, systemClock } from "./timing/clock.ts";
import type { Tracer } from "./tracer.ts";

/**
 * Options for {@linkcode GroupCache}.
 *
 * @example
 * ```ts
 * import { GroupCache, type GroupCacheOptions } from "@groupcache/groupcache";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const options: GroupCacheOptions = {
 *   self: "http://10.0.0.1:8080",
 *   peers: ["http://10.0.0.1:8080", "http://10.0.0.2:8080"],
 *   auth: { secrets: ["the output of: openssl rand -base64 32"] },
 *   peerTimeoutMs: 5000,
 *   limits: { maxValueBytes: 8 << 20 },
 * };
 * await using cache = new GroupCache(options);
 * assertEquals(cache.peers.length, 2);
 * assertThrows(() => new GroupCache({ ...options, self: "10.0.0.1:8080" }), TypeError);
 * assertThrows(() => new GroupCache({ ...options, peerTimeoutMs: 0 }), RangeError);
 * ```
 */
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
  /**
   * Authenticates the processes of the cluster to each other: see docs/security.md. Not for clusters with
   * Go processes, which do not support it.
   *
   * @default none: anyone who can reach this process can read and change its cache
   */
  auth?: AuthOptions;
  /**
   * Decides whether to accept a request under `basePath`, if a component in front has authenticated the
   * sender, such as mTLS or a service mesh. Called before the request is processed, with the arguments of
   * the server's fetch function; returns true to accept. With `auth`, a request needs both.
   *
   * @default none: see `auth`
   */
  authorize?: Authorize;
  /**
   * The hosts that requests of peers may name in their `host` header, such as `10.0.0.1:8080`. Others are
   * rejected, which prevents DNS rebinding: a web page cannot reach the cache through a name of its own
   * that resolves to this process.
   *
   * @default all hosts
   */
  hosts?: readonly string[];
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
   * Receives reports of problems, such as a peer that violates the protocol: a function, `console`, or
   * `false` for no reports. Events report the same.
   *
   * @default one plain warning per cause on the console, unless there is a listener for its event
   */
  log?: Log | false;
  /**
   * Makes spans of the gets that are not answered from memory, of calls of peers and of loads: see
   * `./metrics` for OpenTelemetry.
   *
   * @default none
   */
  tracer?: Tracer;
}

/** The names of all options. */
export const GROUP_CACHE_OPTIONS: Readonly<Record<keyof GroupCacheOptions, true>> = {
  self: true,
  peers: true,
  placement: true,
  basePath: true,
  peerTimeoutMs: true,
  handoffMs: true,
  hedge: true,
  auth: true,
  authorize: true,
  hosts: true,
  limits: true,
  fetch: true,
  clock: true,
  random: true,
  log: true,
  tracer: true,
};

type Optional = "self" | "peers" | "auth" | "authorize" | "hosts" | "tracer";

/** The options of a cache, checked and with their defaults. */
export type CheckedGroupCacheOptions =
  & Required<Omit<GroupCacheOptions, Optional | "limits" | "log">>
  & Pick<GroupCacheOptions, Optional>
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
    auth,
    authorize,
    hosts,
    limits = {},
    fetch = (input, init) => globalThis.fetch(input, init),
    clock = systemClock,
    random = Math.random,
    log,
    tracer,
  } = options;
  checkLog(log);
  checkBasePath(basePath);
  checkTracer(tracer);
  checkDuration("create GroupCache", "peerTimeoutMs", peerTimeoutMs);
  if (handoffMs !== 0) checkDuration("create GroupCache", "handoffMs", handoffMs);
  if (typeof hedge !== "boolean") {
    throw new TypeError(
      `Cannot create GroupCache: hedge must be a boolean: received ${quote(hedge)}`,
    );
  }
  checkPlacement(placement);
  checkAccess(options, placement);
  return {
    ...(self !== undefined && { self }),
    ...(peers !== undefined && { peers }),
    ...(auth !== undefined && { auth }),
    ...(authorize !== undefined && { authorize }),
    ...(hosts !== undefined && { hosts }),
    ...(tracer !== undefined && { tracer }),
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

function checkLog(log: unknown): void {
  if (log === undefined || log === false || typeof log === "function") return;
  const sinks = Object(log);
  if (["info", "warn", "error"].every((level) => typeof sinks[level] === "function")) return;
  throw new TypeError(
    `Cannot create GroupCache: log must be a function, console, or false: received ${quote(log)}`,
  );
}

function checkBasePath(basePath: string): void {
  const isPath = /^\/(.*\/)?$/.test(basePath);
  if (isPath && new URL(`http://peer${basePath}`).pathname === basePath) return;
  throw new TypeError(
    "Cannot create GroupCache: basePath must begin and end with a slash, and be normalized as in " +
      `URLs: received ${quote(basePath)}`,
  );
}

function checkPlacement(placement: Placement): void {
  if (typeof placement?.rank === "function" && typeof placement.name === "string") return;
  throw new TypeError(
    "Cannot create GroupCache: placement must be a Placement, as rendezvous(): received " +
      quote(placement),
  );
}

function checkTracer(tracer: Tracer | undefined): void {
  if (tracer === undefined) return;
  if (typeof tracer?.start === "function" && typeof tracer.detach === "function") return;
  throw new TypeError(
    "Cannot create GroupCache: tracer must be a Tracer, as openTelemetryTracer() of ./metrics: " +
      `received ${quote(tracer)}`,
  );
}

/** Checks the options that say whose requests are accepted. */
function checkAccess(
  { self, auth, authorize, hosts }: GroupCacheOptions,
  placement: Placement,
): void {
  if (auth !== undefined) {
    checkAuthOptions(auth);
    if (self === undefined) {
      throw new TypeError("Cannot create GroupCache: auth needs the option self");
    }
    if (placement.dialect !== undefined) {
      throw new TypeError(
        "Cannot create GroupCache: auth is not for clusters with Go processes, which cannot sign " +
          `what they send: received placement ${quote(placement.name)}`,
      );
    }
  }
  if (authorize !== undefined && typeof authorize !== "function") {
    throw new TypeError(
      `Cannot create GroupCache: authorize must be a function: received ${quote(authorize)}`,
    );
  }
  if (hosts !== undefined && !(Array.isArray(hosts) && hosts.every(isHost))) {
    throw new TypeError(
      'Cannot create GroupCache: hosts must be an array of hosts, as "10.0.0.1:8080": received ' +
        quote(hosts),
    );
  }
}

function isHost(host: unknown): boolean {
  return typeof host === "string" && /^[^/?#@\\\s]+$/.test(host);
}
