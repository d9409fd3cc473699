import type { ByteView, ByteViewInit } from "./byte_view.ts";
import type { Codec } from "./codec.ts";
import { ChangeExchange } from "./consistency/change_exchange.ts";
import { type CreatedGroup, createGroup } from "./create_group.ts";
import type { Discovery } from "./discovery/discovery.ts";
import { followDiscovery } from "./discovery/membership.ts";
import { GroupCacheError, quote } from "./errors.ts";
import { PeerDownEvent, PeerUpEvent } from "./events.ts";
import { GroupCacheEvents } from "./group_cache_events.ts";
import type { Group } from "./group_api.ts";
import {
  type CheckedGroupCacheOptions,
  checkGroupCacheOptions,
  type GroupCacheOptions,
} from "./group_cache_options.ts";
import {
  checkDuration,
  checkGroupName,
  checkGroupOptions,
  type GroupOptions,
} from "./group_options.ts";
import { HttpPeer, type HttpPeerOptions } from "./http/client/http_peer.ts";
import { RequestSemaphore } from "./http/client/request_semaphore.ts";
import { dialectOf } from "./http/dialect.ts";
import { type Protection, protectionOf } from "./http/protection.ts";
import { PeerHandler, type PeerHandlerOptions } from "./http/server/handler.ts";
import { checkKey } from "./key.ts";
import type { InspectionReply, ReportReply } from "./process_report.ts";
import { Problems, unknownGroup } from "./problems.ts";
import { type CheckReport, compareReports } from "./cluster_check.ts";
import { ClusterReports, hottestOf } from "./cluster_reports.ts";
import { drain } from "./peer/drain.ts";
import { Handshake } from "./peer/handshake.ts";
import { HedgeBudget } from "./peer/hedge_budget.ts";
import { PeerSet } from "./peer/peer_set.ts";
import type { GroupCacheStats } from "./stats.ts";
import type { Clock } from "./timing/clock.ts";
import { withDeadline } from "./timing/deadline.ts";
import { DueQueue } from "./timing/due_queue.ts";
import { unknownCacheOptions, unknownGroupOptions } from "./unknown_options.ts";
import { SteadyClock } from "./timing/steady_clock.ts";

/** How long a source of peers may take to end, in milliseconds. */
const SOURCE_END_MS = 3000;

/** How long the keys of the changes that a process remembers may be on average, in UTF-16 units. */
const UNITS_PER_CHANGE = 64;

/**
 * Options for {@linkcode GroupCache.close}.
 *
 * @example
 * ```ts
 * import { type CloseOptions, GroupCache } from "@groupcache/groupcache";
 * import { assertRejects } from "@std/assert";
 *
 * const graceful: CloseOptions = { drainMs: 5000 };
 * const cache = new GroupCache();
 * await cache.close(graceful);
 * await assertRejects(() => new GroupCache().close({ drainMs: -1 }), RangeError);
 * ```
 */
export interface CloseOptions {
  /**
   * How long the cache may take to leave the cluster gracefully, in milliseconds.
   *
   * @default 0, to close at once
   */
  drainMs?: number;
}

// deno-lint-ignore no-explicit-any -- values of any type
type AnyGroup = Group<any, any>;

/** Returns the group with a name, if there is one. For the dashboard. */
export let groupNamed: (cache: GroupCache, name: string) => AnyGroup | undefined;

/**
 * A fetch function as `Deno.serve` and `Bun.serve` take it, which pass further arguments.
 *
 * @example
 * ```ts
 * import { type FetchHandler, GroupCache } from "@groupcache/groupcache";
 * import { assertEquals } from "@std/assert";
 *
 * const app: FetchHandler = () => new Response("the application");
 *
 * await using cache = new GroupCache();
 * const serve: FetchHandler = cache.handler(app);
 * const response = await serve(new Request("http://127.0.0.1:8080/"));
 * assertEquals(await response.text(), "the application");
 * ```
 */
export type FetchHandler<Rest extends unknown[] = unknown[]> = (
  request: Request,
  ...rest: Rest
) => Response | Promise<Response>;

/**
 * One process's part in a cluster of caches. It serves its peers through `fetch` or `handler`, and
 * its own program through groups.
 *
 * Two caches in one process share nothing: there is no global state.
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
export class GroupCache extends GroupCacheEvents implements AsyncDisposable {
  #options: CheckedGroupCacheOptions;
  #clock: Clock;
  #peers: PeerSet;
  #instanceId: string = crypto.randomUUID();
  #startedAtMs: number;
  // deno-lint-ignore no-explicit-any -- values of any type
  #groups = new Map<string, CreatedGroup<any, any>>();
  #handler: PeerHandler;
  #handshake: Handshake;
  #problems: Problems;
  #reports: ClusterReports;
  #changes: ChangeExchange;
  #hedgeBudget: HedgeBudget | undefined;
  #closing = new AbortController();
  /** Settles once the source of peers has ended. */
  #following: Promise<void> | undefined;

  static {
    groupNamed = (cache, name) => cache.#groups.get(name)?.group;
  }

  /**
   * Creates a cache without groups.
   *
   * @throws {TypeError} If `self` or `peers` are not distinct base URLs, `peers` lacks `self`, or an
   * option has the wrong type.
   * @throws {RangeError} If `peerTimeoutMs` is not a positive number, or a limit is out of range.
   */
  constructor(options: GroupCacheOptions = {}) {
    super();
    const checked = checkGroupCacheOptions(options);
    const { self, peers, placement, handoffMs, hedge, limits, log } = checked;
    const clock = new SteadyClock(checked.clock);
    this.#options = checked;
    this.#hedgeBudget = hedge ? new HedgeBudget() : undefined;
    this.#clock = clock;
    this.#startedAtMs = clock.now();
    const instanceId = this.#instanceId;
    this.#problems = new Problems({ clock, log, isHeard: (type) => this.hasListened(type) });
    const protection = protectionOf({
      ...checked,
      clock,
      instanceId,
      isServing: () => !this.#peers.isLeaving,
      newcomers: () => this.#handshake,
      report: this.#report,
    });
    const peerOptions = this.#peerOptions(protection);
    this.#peers = new PeerSet({
      self,
      placement,
      connect: (url) => new HttpPeer(url, peerOptions),
      clock,
      handoffMs,
    });
    this.#changes = new ChangeExchange({
      origin: instanceId,
      maxChanges: limits.maxChanges,
      maxKeyUnits: limits.maxChanges * UNITS_PER_CHANGE,
      peers: this.#peers,
      clock,
      forget: (group, key) => this.#groups.get(group)?.local.drop(key),
      forgetAll: () => this.#groups.forEach(({ local }) => local.dropAll()),
      send: (peer, update) => this.#handshake.tell(peer, update),
    });
    this.#closing.signal.addEventListener("abort", () => this.#changes.close(), { once: true });
    this.#handshake = new Handshake({
      instanceId,
      closing: this.#closing.signal,
      changes: this.#changes,
      placement: placement.name,
      peers: this.#peers,
      clock,
      report: this.#report,
      onUnconfirmed: () => protection.refusals.add({ reason: "unconfirmed", isRefused: true }),
    });
    this.#reports = new ClusterReports({
      peers: this.#peers,
      clock,
      own: () => ({
        stats: this.stats(),
        hotKeys: hottestOf([...this.#groups.values()].map(({ group }) => group)),
        problems: this.#problems.list(),
      }),
      inspect: (group, key) => this.#groups.get(group)?.group.inspect(key) ?? null,
    });
    this.#handler = new PeerHandler(this.#handlerOptions(protection));
    unknownCacheOptions(options).forEach(this.#report);
    if (peers !== undefined) this.#findPeers(peers);
  }

  /**
   * Creates the group that other processes know by the same name.
   *
   * @throws {TypeError} If the name is empty, contains a slash, is `.` or `..`, or is taken, or an
   * option has the wrong type.
   * @throws {RangeError} If a number is out of range.
   * @throws {GroupCacheError} With code `closed` after `close()`.
   */
  group(name: string, options: GroupOptions<ByteView, ByteViewInit>): Group<ByteView, ByteViewInit>;
  /** As above, for values that are not bytes. */
  group<T, Input = T>(
    name: string,
    options: GroupOptions<T, Input> & { codec: Codec<T, Input> },
  ): Group<T, Input>;
  group<T, Input>(name: string, options: GroupOptions<T, Input>): Group<T, Input> {
    if (this.#closing.signal.aborted) throw this.#closing.signal.reason;
    checkGroupName(name, this.#groups);
    const created = createGroup(name, checkGroupOptions(options), {
      clock: this.#clock,
      random: this.#options.random,
      peers: this.#peers,
      changes: this.#changes,
      tracer: this.#options.tracer,
      hedgeBudget: this.#hedgeBudget,
      maxValueBytes: this.#options.limits.maxValueBytes,
      closing: this.#closing.signal,
      report: this.#report,
    });
    this.#groups.set(name, created);
    unknownGroupOptions(name, options).forEach(this.#report);
    return created.group;
  }

  /** Answers requests of peers, and any other with 404. It is bound: pass it around as it is. */
  readonly fetch: FetchHandler = (request: Request, info?: unknown) => {
    return this.#handler.handle(request, info) ??
      new Response("Cannot find such a path", { status: 404 });
  };

  /**
   * Returns a fetch function that answers requests of peers and passes all others to `next`, with
   * all arguments that the server passed.
   */
  handler<Rest extends unknown[]>(next: FetchHandler<Rest>): FetchHandler<Rest> {
    return (request, ...rest) => this.#handler.handle(request, rest[0]) ?? next(request, ...rest);
  }

  /** The base URLs of all processes, this one included. */
  get peers(): readonly string[] {
    return this.#peers.urls;
  }

  /**
   * Replaces the list of processes. Calls in flight go on.
   *
   * @throws {TypeError} If the list does not consist of distinct base URLs, or lacks `self`. The old
   * list then stays.
   */
  setPeers(urls: readonly string[]): void {
    this.#peers.replace(urls);
    this.#changes.listChanged();
  }

  /** Returns what all groups have counted so far, as a plain JSON value. */
  stats(): GroupCacheStats {
    const groups = [...this.#groups].map(([name, { group }]) => [name, group.stats()]);
    const peers = this.#peers.others().map(({ url, health }) => ({
      url,
      ...health.stats(),
      mismatches: this.#handshake.mismatchesWith(url),
    }));
    const isClosed = this.#closing.signal.aborted;
    return {
      self: this.#peers.self ?? null,
      instance: this.#instanceId,
      startedAtMs: this.#startedAtMs,
      nowMs: this.#clock.now(),
      state: isClosed ? "closed" : this.#peers.isLeaving ? "leaving" : "serving",
      placement: this.#options.placement.name,
      peers,
      groups: Object.fromEntries(groups),
    };
  }

  /**
   * Collects the counters, hot keys and problems of all processes. Processes that do not reply within 2
   * seconds are reported as unreachable. Never rejects.
   */
  reports(): Promise<ReportReply[]> {
    return this.#reports.reports();
  }

  /**
   * Compares what all processes know of each other: which cannot be reached, and why; which have a
   * different list, placement, group, clock or name. Never rejects.
   *
   * @example
   * ```ts
   * import { GroupCache } from "@groupcache/groupcache";
   * import { assertEquals } from "@std/assert";
   *
   * await using cache = new GroupCache({ self: "http://10.0.0.1:8080" });
   * const { ok, findings } = await cache.check();
   * assertEquals([ok, findings[0]?.cause], [false, "no-peers"]);
   * ```
   */
  async check(): Promise<CheckReport> {
    return compareReports(await this.reports());
  }

  /**
   * Collects the state of a key in all processes. This does not count as a use of the key. For this
   * process alone, see {@linkcode Group.inspect}.
   *
   * @throws {TypeError} If there is no group of that name here, or the key is invalid.
   */
  async inspect(group: string, key: string): Promise<InspectionReply[]> {
    if (!this.#groups.has(group)) {
      throw new TypeError(`Cannot inspect a key: there is no group ${quote(group)} here`);
    }
    checkKey(key);
    return await this.#reports.inspections(group, key);
  }

  /**
   * Closes the cache. Calls that wait, and all later ones, reject with code `closed`, and peers that
   * ask are told to go elsewhere. Values that were returned stay valid. A second call cuts a drain
   * short.
   *
   * With `drainMs` the cache first leaves the cluster gracefully: it tells its peers, which go
   * elsewhere from then on, transfers its most wanted values to them, and finishes what is in
   * flight. Call it before you stop the server.
   *
   * Resolves once the source of peers has ended too, including its registration, or after 3 seconds.
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
      this.#handler.close();
    }
    const following = this.#following;
    if (following === undefined) return;
    await withDeadline(() => following, {
      clock: this.#clock,
      ms: SOURCE_END_MS,
      onLate: () => {},
    });
  }

  /** Leaves the cluster, for at most `drainMs` or until the cache is closed. */
  async #drain(drainMs: number): Promise<void> {
    await drain({
      groups: [...this.#groups.values()].map(({ group, local }) => ({
        handOff: (peer, signal) => local.handOff(peer, signal),
        idle: () => group.idle(),
      })),
      peers: this.#peers,
      handshake: this.#handshake,
      clock: this.#clock,
      drainMs,
      signal: this.#closing.signal,
    });
  }

  /** Closes the cache at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #report = (event: Event): void => {
    this.#problems.note(event);
    this.dispatchEvent(event);
  };

  #peerOptions(protection: Protection): HttpPeerOptions {
    const { limits, placement } = this.#options;
    const clock = this.#clock;
    const { signal: closing } = this.#closing;
    const silences = new DueQueue({ clock, keepsTimer: true });
    closing.addEventListener("abort", () => silences.close(), { once: true });
    return {
      ...this.#options,
      ...protection,
      semaphore: new RequestSemaphore(limits.maxFetches),
      channelSlots: new RequestSemaphore(limits.maxChannels),
      closing,
      clock,
      silences,
      self: () => this.#peers.self ?? "",
      instanceId: this.#instanceId,
      dialect: dialectOf(placement.dialect),
      catchUp: (peer, group, key) => this.#changes.catchUp(peer, group, key),
      probe: (peer) => this.#handshake.greet(peer, { hadGivenUp: true }),
      onAnswer: (peer) => void this.#handshake.greet(peer, { hadGivenUp: false }),
      onMet: (peer, instance) => this.#changes.met(peer, instance),
      onDown: ({ url }, error) => this.#report(new PeerDownEvent({ peer: url, error })),
      onUp: ({ url }) => this.#report(new PeerUpEvent({ peer: url })),
    };
  }

  #handlerOptions(protection: Protection): PeerHandlerOptions {
    const { limits, basePath, placement, tracer } = this.#options;
    return {
      ...protection,
      clock: this.#clock,
      tracer,
      limits,
      basePath,
      instanceId: this.#instanceId,
      plusIsSpace: dialectOf(placement.dialect).plusIsSpace,
      checkOpen: () => this.#closing.signal.throwIfAborted(),
      group: (name) => {
        this.#closing.signal.throwIfAborted();
        const group = this.#groups.get(name);
        if (group === undefined) this.#report(unknownGroup(name, [...this.#groups.keys()]));
        return group?.local;
      },
      changes: this.#changes,
      confirmTime: (time, origin) => this.#handshake.confirmTime(time, origin),
      peer: (url) => this.#peers.findRecent(url),
      greet: (hello, sender) => this.#handshake.answer(hello, sender),
      isLeaving: (peer) => this.#handshake.isLeaving(peer),
      report: (question) => this.#reports.answer(question),
    };
  }

  #findPeers(peers: readonly string[] | Discovery): void {
    if (!(Symbol.asyncIterator in Object(peers))) return this.setPeers(peers as string[]);
    const { self } = this.#options;
    // Throws: peers need it.
    if (self === undefined) return this.setPeers([]);
    this.#following = followDiscovery(peers as Discovery, {
      self,
      setPeers: (urls) => this.setPeers(urls),
      report: this.#report,
      signal: this.#closing.signal,
    });
  }
}
