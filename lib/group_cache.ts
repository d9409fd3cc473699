import type { ByteView, ByteViewInit } from "./byte_view.ts";
import type { Cancellation } from "./timing/cancellation.ts";
import { type Clock, systemClock } from "./timing/clock.ts";
import { withDeadline } from "./timing/deadline.ts";
import type { Codec } from "./codec.ts";
import type { Discovery } from "./discovery/discovery.ts";
import { drain } from "./peer/drain.ts";
import { GroupCacheError, quote } from "./errors.ts";
import { type GroupCacheEventMap, PeerDownEvent, PeerUpEvent } from "./events.ts";
import { createGroup, type Group, peerSideOf } from "./group.ts";
import { checkDuration, checkGroupOptions, type GroupOptions } from "./group_options.ts";
import { PeerHandler } from "./http/server/handler.ts";
import type { Fetch } from "./runtime.ts";
import { RequestSemaphore } from "./http/client/request_semaphore.ts";
import { HttpPeer } from "./http/client/http_peer.ts";
import { checkLimits, type PeerLimits } from "./http/peer_limits.ts";
import { followDiscovery } from "./discovery/membership.ts";
import { DueQueue } from "./timing/due_queue.ts";
import { Handshake } from "./peer/handshake.ts";
import { HedgeBudget } from "./peer/hedge_budget.ts";
import type { Peer } from "./peer/peer.ts";
import { PeerSet } from "./peer/peer_set.ts";
import { isOfGo, type Placement } from "./placement/placement.ts";
import { rendezvous } from "./placement/rendezvous.ts";
import type { GroupCacheStats } from "./stats.ts";

/** How long a source of peers that was told to end may take, in milliseconds. */
const SOURCE_END_MS = 3000;

/** What a cache is made of. */
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

/** How a cache is closed. */
export interface CloseOptions {
  /**
   * How long it may take to leave the cluster without a trace, in milliseconds.
   *
   * @default 0: at once
   */
  drainMs?: number;
}

/** A fetch function, as `Deno.serve` and `Bun.serve` take it; they pass more arguments. */
export type FetchHandler<Rest extends unknown[] = unknown[]> = (
  request: Request,
  ...rest: Rest
) => Response | Promise<Response>;

/**
 * One process's part in a cluster of caches. It serves the others through `fetch` or `handler`,
 * and its own program through groups.
 *
 * Caches in one process never meet: nothing here is global.
 *
 * @example A process of a cluster
 * ```ts
 * import { GroupCache, text } from "@groupcache/groupcache";
 * import { assertEquals } from "@std/assert";
 *
 * const self = "http://127.0.0.1:8080";
 * await using cache = new GroupCache({ self, peers: [self] });
 * const pages = cache.group("pages", {
 *   maxBytes: 64 << 20,
 *   codec: text,
 *   load: (path) => `<h1>${path}</h1>`,
 * });
 *
 * // For Deno.serve({ port: 8080 }, serve) or Bun.serve({ port: 8080, fetch: serve }).
 * const serve = cache.handler(async (request) =>
 *   new Response(await pages.get(new URL(request.url).pathname))
 * );
 * const response = await serve(new Request("http://127.0.0.1:8080/about"));
 * assertEquals(await response.text(), "<h1>/about</h1>");
 * ```
 */
export class GroupCache extends EventTarget implements AsyncDisposable {
  #clock: Clock;
  #random: () => number;
  #peers: PeerSet;
  #maxValueBytes: number;
  #self: string | undefined;
  // deno-lint-ignore no-explicit-any -- groups of any values
  #groups = new Map<string, Group<any, any>>();
  #handler: PeerHandler;
  #handshake: Handshake;
  #hedgeBudget: HedgeBudget | undefined;
  #closing = new AbortController();
  /** Settles when nothing is left of the source of peers. */
  #following: Promise<void> | undefined;

  /**
   * Makes a cache without groups.
   *
   * @throws {TypeError} If `self` or `peers` are no distinct base URLs, `peers` lacks `self`, or an
   * option is not of its type.
   * @throws {RangeError} If `peerTimeoutMs` is not a positive number, or a limit is out of range.
   */
  constructor(options: GroupCacheOptions = {}) {
    super();
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
    this.#hedgeBudget = hedge ? new HedgeBudget() : undefined;
    this.#self = self;
    this.#clock = clock;
    this.#random = random;
    const checkedLimits = checkLimits(limits);
    this.#maxValueBytes = checkedLimits.maxValueBytes;
    const instanceId = crypto.randomUUID();
    const silences = new DueQueue({ clock, keepsTimer: true });
    this.#closing.signal.addEventListener("abort", () => silences.close(), { once: true });
    const peerOptions = {
      fetch,
      semaphore: new RequestSemaphore(checkedLimits.maxFetches),
      limits: checkedLimits,
      clock,
      silences,
      basePath,
      peerTimeoutMs,
      random,
      self: () => this.#peers.self ?? "",
      instanceId,
      trustsGoStatus: placement.statusTells ?? false,
      mayBeGo: isOfGo(placement),
      probe: (peer: Peer) => this.#handshake.greet(peer, true),
      onAnswer: (peer: Peer) => void this.#handshake.greet(peer, false),
      onDown: ({ url }: Peer, error: GroupCacheError) =>
        this.#report(new PeerDownEvent({ peer: url, error })),
      onUp: ({ url }: Peer) => this.#report(new PeerUpEvent({ peer: url })),
    };
    this.#peers = new PeerSet({
      self,
      placement,
      connect: (url) => new HttpPeer(url, peerOptions),
      clock,
      handoffMs,
    });
    this.#handshake = new Handshake({
      instanceId,
      placement: placement.name,
      peers: this.#peers,
      clock,
      report: this.#report,
    });
    this.#handler = new PeerHandler({
      clock,
      basePath,
      plusIsSpace: placement.plusIsSpace ?? false,
      maxValueBytes: checkedLimits.maxValueBytes,
      group: (name) => {
        if (this.#closing.signal.aborted) throw this.#closing.signal.reason;
        const group = this.#groups.get(name);
        return group && peerSideOf(group);
      },
      peer: (url) => this.#peers.find(url),
      greet: (hello) => this.#handshake.answer(hello),
    });
    if (peers !== undefined) this.#findPeers(peers);
  }

  /**
   * Makes the group that other processes know under the same name.
   *
   * @throws {TypeError} If the name is empty, holds a slash, is `.` or `..`, or is taken, or an
   * option is not of its type.
   * @throws {RangeError} If a number is out of range.
   * @throws {GroupCacheError} With code `closed` after `close()`.
   */
  group(name: string, options: GroupOptions<ByteView, ByteViewInit>): Group<ByteView, ByteViewInit>;
  /** As above, for values of another type than bytes. */
  group<T, Input = T>(
    name: string,
    options: GroupOptions<T, Input> & { codec: Codec<T, Input> },
  ): Group<T, Input>;
  group<T, Input>(name: string, options: GroupOptions<T, Input>): Group<T, Input> {
    if (this.#closing.signal.aborted) throw this.#closing.signal.reason;
    this.#checkName(name);
    const group = createGroup(name, checkGroupOptions(options), {
      clock: this.#clock,
      random: this.#random,
      peers: this.#peers,
      maxValueBytes: this.#maxValueBytes,
      hedgeBudget: this.#hedgeBudget,
      closing: this.#closing.signal,
      report: this.#report,
    });
    this.#groups.set(name, group);
    return group;
  }

  /** Answers a request of a peer, and 404 to any other. Works wherever it is passed. */
  readonly fetch: FetchHandler = (request: Request, info?: unknown) => {
    return this.#handler.handle(request, info) ??
      new Response("Cannot find such a path", { status: 404 });
  };

  /**
   * A fetch function that answers requests of peers and leaves all others to `next`, with all the
   * arguments that the server passes.
   */
  handler<Rest extends unknown[]>(next: FetchHandler<Rest>): FetchHandler<Rest> {
    return (request, ...rest) => this.#handler.handle(request, rest[0]) ?? next(request, ...rest);
  }

  /** The base URLs of all processes, this one included. */
  get peers(): readonly string[] {
    return this.#peers.urls;
  }

  /**
   * Replaces the list of processes, at any time. Calls under way go on.
   *
   * @throws {TypeError} If the list is not one of distinct base URLs with `self` among them. The
   * old list then stays.
   */
  setPeers(urls: readonly string[]): void {
    this.#peers.replace(urls);
  }

  /** What all groups have counted so far, as a plain JSON value. */
  stats(): GroupCacheStats {
    const groups = [...this.#groups].map(([name, group]) => [name, group.stats()]);
    return {
      self: this.#self ?? null,
      peers: [...this.#peers.urls],
      groups: Object.fromEntries(groups),
    };
  }

  /**
   * Ends the cache: whoever waits, and whoever calls later, gets an error with code `closed`;
   * peers are told to go elsewhere. Values that were handed out stay good. Closing again does nothing,
   * but cuts a drain short.
   *
   * With `drainMs` it first leaves the cluster so that nobody notices: tells the peers, which go
   * elsewhere from then on, hands over to them the values that are in most demand, and answers what
   * is under way. Call it before you end the server.
   *
   * Resolves when the source of peers has ended too, its registration included; after 3 seconds it
   * is no longer waited for.
   *
   * @throws {RangeError} If `drainMs` is not a number of at least 0.
   *
   * @example
   * ```ts
   * import { GroupCache } from "@groupcache/groupcache";
   *
   * const cache = new GroupCache();
   * // On SIGTERM, before the server's own shutdown:
   * await cache.close({ drainMs: 5000 });
   * ```
   */
  async close(options: CloseOptions = {}): Promise<void> {
    const { drainMs = 0 } = options;
    if (drainMs !== 0) checkDuration("close", "drainMs", drainMs);
    const { signal } = this.#closing;
    if (drainMs !== 0 && !signal.aborted) await this.#drain(drainMs);
    if (!signal.aborted) {
      this.#closing.abort(new GroupCacheError("closed", "Cannot use the cache: it was closed"));
    }
    const following = this.#following;
    if (following === undefined) return;
    await withDeadline(() => following, {
      clock: this.#clock,
      ms: SOURCE_END_MS,
      onLate: () => {},
    });
  }

  /** Leaves the others without their noticing, in so much time, or until the cache is closed. */
  async #drain(drainMs: number): Promise<void> {
    const { signal } = this.#closing;
    const work = (end: Cancellation): Promise<void> =>
      drain({
        groups: [...this.#groups.values()],
        peers: this.#peers,
        handshake: this.#handshake,
        signal: end,
      });
    try {
      await withDeadline(work, { clock: this.#clock, ms: drainMs, signal, onLate: () => {} });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** `close`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Listens to what operators want to see. */
  override addEventListener<Type extends keyof GroupCacheEventMap>(
    type: Type,
    listener: (event: GroupCacheEventMap[Type]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  /** As above, for listeners of any kind. */
  override addEventListener(
    type: string,
    listener: Parameters<EventTarget["addEventListener"]>[1],
    options?: boolean | AddEventListenerOptions,
  ): void;
  override addEventListener(
    type: string,
    // deno-lint-ignore no-explicit-any -- both overloads
    listener: any,
    options?: boolean | AddEventListenerOptions,
  ): void {
    super.addEventListener(type, listener, options);
  }

  #report = (event: Event): void => void this.dispatchEvent(event);

  #findPeers(peers: readonly string[] | Discovery): void {
    if (!(Symbol.asyncIterator in Object(peers))) return this.setPeers(peers as string[]);
    const self = this.#self;
    // Throws, for there are no peers without it.
    if (self === undefined) return this.setPeers([]);
    this.#following = followDiscovery(peers as Discovery, {
      self,
      setPeers: (urls) => this.setPeers(urls),
      report: this.#report,
      signal: this.#closing.signal,
    });
  }

  #checkName(name: string): void {
    const why = typeof name !== "string" || name === ""
      ? "it must be a non-empty string"
      : name.includes("/")
      ? "it must not hold a slash, which ends a group's name in a path"
      : name === "." || name === ".." || !name.isWellFormed()
      ? "it must be fit for a path"
      : this.#groups.has(name)
      ? "there is one of that name"
      : undefined;
    if (why !== undefined) {
      throw new TypeError(`Cannot create group: ${why}: received ${quote(name)}`);
    }
  }
}
