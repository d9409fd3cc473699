import { viewOf } from "./byte_view.ts";
import type { Cancellation } from "./timing/cancellation.ts";
import { Writes } from "./group/writes.ts";
import type { Clock } from "./timing/clock.ts";
import { GroupCacheError, messageOf, quote } from "./errors.ts";
import { PeerErrorEvent } from "./events.ts";
import { GroupMemory, MISS } from "./group/group_memory.ts";
import type { CheckedGroupOptions } from "./group_options.ts";
import { HotKeys } from "./group/hot_keys.ts";
import { checkKey, checkKeySize, checkWellFormed } from "./key.ts";
import { Loader } from "./group/loader.ts";
import { LocalGroup } from "./group/local_group.ts";
import { askInTurn } from "./peer/ask_in_turn.ts";
import type { HedgeBudget } from "./peer/hedge_budget.ts";
import { Hedging } from "./peer/hedging.ts";
import type { EncodedValue, Peer, PeerBackend } from "./peer/peer.ts";
import type { PeerSet } from "./peer/peer_set.ts";
import { type Flight, SingleFlight } from "./group/single_flight.ts";
import { type GroupStats, newCounters } from "./stats.ts";

// How a `get` comes to its value:
//
// 1. The main cache holds what this process owns, the hot cache mirrors of what others own.
// 2. On a miss the caller joins the key's flight, or starts one: one run per key and process.
// 3. The flight asks the key's owner, which has flights of its own: one run per key and cluster.
//    If the owner cannot be asked the next peer in the key's order stands in, and so on.
// 4. Where the order comes to this process, its loader runs, unless the key has just moved here and
//    whoever owned it before still has it in memory. What comes of it goes to the main cache.
//    Requests of peers begin here: they are never passed on, so peers whose lists differ cannot
//    send one in circles. A flight of step 2 may wait for one of step 4, never the other way round.
// 5. What a peer brought is mirrored in the hot cache if the key is hot.

/** What a call may take with it. */
export interface CallOptions {
  /**
   * Ends this caller's wait: the call rejects with the signal's reason. A load under way goes on
   * as long as anybody else waits for it.
   */
  signal?: AbortSignal;
}

/** What a group needs of the cache it belongs to. */
export interface GroupHost {
  readonly clock: Clock;
  readonly random: () => number;
  readonly peers: PeerSet;
  /** Bytes of one value that may travel. */
  readonly maxValueBytes: number;
  /** Bounds second requests; undefined if none are to be sent. */
  readonly hedgeBudget: HedgeBudget | undefined;
  /** Aborts with the error for those who wait when the cache is closed. */
  readonly closing: AbortSignal;
  /** Tells operators. */
  report(event: Event): void;
}

/** A value on its way to those who wait for it. */
interface Arrival<T> extends EncodedValue {
  /** Set by the first waiter, if decoded values may be shared. */
  decoded?: T;
}

/** How a key travels to its owner: see `PeerCallOptions`. */
interface Travel {
  readonly together: boolean;
}

const ALONE: Travel = { together: false };
const TOGETHER: Travel = { together: true };

// deno-lint-ignore no-explicit-any -- any group will do
type AnyGroup = Group<any, any>;

/** Makes a group. For the library's own use: users call {@linkcode GroupCache.group}. */
export let createGroup: <T, Input>(
  name: string,
  options: CheckedGroupOptions<T, Input>,
  host: GroupHost,
) => Group<T, Input>;

/** Hands over to a peer what it owns next of what a group holds, as far as time goes. */
export let handOffGroup: (group: AnyGroup, peer: Peer, signal: Cancellation) => Promise<void>;

/** Resolves when nobody waits for a value of a group. */
export let groupIdle: (group: AnyGroup) => Promise<void>;

/** The side that a group shows its peers. For the library's own use. */
export let peerSideOf: (group: AnyGroup) => PeerBackend;

/**
 * Values of one kind, by key: made by {@linkcode GroupCache.group}, in every process under the
 * same name.
 *
 * Keys are non-empty, well-formed strings of at most 64 KiB as UTF-8; anything else is a
 * `TypeError`. Once the cache is closed every call rejects with code `closed`.
 *
 * @example
 * ```ts
 * import { GroupCache, text } from "@groupcache/groupcache";
 * import { assertEquals } from "@std/assert";
 *
 * await using cache = new GroupCache();
 * const pages = cache.group("pages", {
 *   maxBytes: 64 << 20,
 *   codec: text,
 *   ttlMs: 60_000,
 *   load: (path) => `<h1>${path}</h1>`,
 * });
 *
 * const [one, same] = await Promise.all([pages.get("/about"), pages.get("/about")]);
 * assertEquals(one, "<h1>/about</h1>");
 * assertEquals(same, one);
 * assertEquals(pages.stats().localLoads, 1);
 * ```
 */
export class Group<T, Input = T> {
  /** The name, which is part of the path under which peers ask for values. */
  readonly name: string;
  #options: CheckedGroupOptions<T, Input>;
  #host: GroupHost;
  #memory: GroupMemory<T>;
  /** How values come to this process's callers. */
  #gets = new SingleFlight<Arrival<T>>();
  /** It has flights of its own, so that no circle of peers can form. */
  #local: LocalGroup;
  #loader: Loader<T, Input>;
  #hedging: Hedging | undefined;
  #hotKeys: HotKeys;
  #writes: Writes;
  #counters = newCounters();
  /** As `closing.aborted`, which costs a hit up to 20 ns. */
  #isClosed = false;

  static {
    createGroup = (name, options, host) => new Group(name, options, host);
    peerSideOf = (group) => group.#local;
    handOffGroup = (group, peer, signal) => group.#local.handOff(peer, signal);
    groupIdle = async (group) => {
      await group.#gets.idle();
      await group.#local.idle();
    };
  }

  private constructor(
    name: string,
    options: CheckedGroupOptions<T, Input>,
    host: GroupHost,
  ) {
    const { clock, random, hedgeBudget } = host;
    this.name = name;
    this.#options = options;
    this.#host = host;
    this.#memory = new GroupMemory({ ...options, clock });
    this.#loader = new Loader(this, { ...options, clock });
    this.#hedging = hedgeBudget && new Hedging({ clock, budget: hedgeBudget });
    this.#hotKeys = new HotKeys({
      minuteQps: options.mirrorMinuteQps,
      random,
      nowMs: clock.now(),
    });
    this.#local = new LocalGroup({
      ...host,
      group: name,
      memory: this.#memory,
      loader: this.#loader,
      hotKeys: this.#hotKeys,
      mirrorMinuteQps: options.mirrorMinuteQps,
      usualMs: (peer) => this.#hedging?.of(peer).latencies.p99Ms,
      counters: this.#counters,
      onChange: (key) => this.#gets.forget(key),
    });
    this.#writes = new Writes({
      group: name,
      local: this.#local,
      peers: host.peers,
      maxValueBytes: host.maxValueBytes,
      onPeerFailure: this.#onPeerFailure,
    });
    host.closing.addEventListener("abort", () => {
      this.#isClosed = true;
      this.#gets.failAll(host.closing.reason);
      this.#local.failAll(host.closing.reason);
      this.#memory.clear();
    }, { once: true });
  }

  /**
   * The value of a key: from memory, from the process that owns the key, or, in that process, from
   * the loader. All who ask meanwhile, in all processes, share one load and its outcome. Failures
   * are not cached.
   *
   * @throws {GroupCacheError} With code `not-found`, `load-failed`, `timeout`, `too-large` (another
   * process has the value, and it is larger than `limits.maxValueBytes`) or `closed`.
   * @throws {TypeError} If the key is none.
   */
  get(key: string, options?: CallOptions): Promise<T> {
    return this.#get(key, options, ALONE);
  }

  #get(key: string, options: CallOptions | undefined, travel: Travel): Promise<T> {
    try {
      checkKeySize(key);
      this.#checkCall(options);
      const hit = this.#lookUp(key);
      if (hit !== MISS) return Promise.resolve(hit);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#gets.run(key, options?.signal, (flight) => this.#load(key, flight, travel))
      .then((arrival) => this.#decode(key, arrival));
  }

  /**
   * The values of several keys, in their order; those that do not exist are absent. What is in
   * memory needs no network, each owner is asked once for the rest, and there `loadMany` loads what
   * nobody has. A key that is there twice is asked for once.
   *
   * @throws {GroupCacheError} As `get`, for the first key that fails otherwise than by `not-found`.
   * @throws {TypeError} If a key is none.
   *
   * @example
   * ```ts
   * import { GroupCache, text } from "@groupcache/groupcache";
   * import { assertEquals } from "@std/assert";
   *
   * await using cache = new GroupCache();
   * const names = cache.group("names", {
   *   maxBytes: 1 << 20,
   *   codec: text,
   *   load: (id) => `User ${id}`,
   *   loadMany: (ids) => new Map(ids.map((id) => [id, `User ${id}`])), // One query for all.
   * });
   * const [first, second] = (await names.getMany(["1", "2"])).values();
   * assertEquals([first, second], ["User 1", "User 2"]);
   * ```
   */
  getMany(keys: Iterable<string>, options?: CallOptions): Promise<Map<string, T>>;
  /** As above, but a key that fails fails alone: as `Promise.allSettled` tells of it. */
  getMany(
    keys: Iterable<string>,
    options: CallOptions & { settled: true },
  ): Promise<Map<string, PromiseSettledResult<T>>>;
  async getMany(
    keys: Iterable<string>,
    options: CallOptions & { settled?: boolean } = {},
  ): Promise<Map<string, T | PromiseSettledResult<T>>> {
    if (typeof keys !== "object" || keys === null) {
      throw new TypeError(`Cannot get many: keys must be an iterable of strings: received ${keys}`);
    }
    const distinct = [...new Set(keys)];
    for (const key of distinct) this.#check(key, options);
    const outcomes = distinct.map(async (key) => {
      try {
        const value = await this.#get(key, options, TOGETHER);
        return options.settled ? { status: "fulfilled" as const, value } : value;
      } catch (reason) {
        if (reason instanceof GroupCacheError && reason.code === "not-found") return MISS;
        if (options.settled) return { status: "rejected" as const, reason };
        throw reason;
      }
    });
    const results = new Map<string, T | PromiseSettledResult<T>>();
    for (const [index, outcome] of (await Promise.all(outcomes)).entries()) {
      if (outcome !== MISS) results.set(distinct[index] as string, outcome);
    }
    return results;
  }

  /**
   * The value of a key if it is in this process's memory, and not a byte of network. It counts as
   * no use of the entry.
   *
   * @throws {TypeError} If the key is none.
   */
  peek(key: string): T | undefined {
    checkKey(key);
    try {
      const hit = this.#memory.peek(key);
      return hit === MISS ? undefined : hit;
    } catch (error) {
      throw this.#cannotDecode(key, error);
    }
  }

  /**
   * Puts a value under a key, at the key's owner, and drops what other processes hold of it. A
   * load under way does not overwrite it.
   *
   * @throws {GroupCacheError} With code `too-large`, and nothing is changed, if there are other
   * processes and the value is larger than `limits.maxValueBytes`; with code `peer-failed` if a peer
   * could not be told, and may serve an old value until that ends; the others have been told.
   * @throws {TypeError} If the key is none, or the codec refuses the value.
   */
  async set(key: string, value: Input, options?: CallOptions): Promise<void> {
    this.#check(key, options);
    const { bytes, expiresAtMs } = this.#loader.encode(key, value);
    const encoded = { view: viewOf(bytes.slice()), expiresAtMs };
    await this.#writes.set(key, encoded, this.#signalOf(options));
  }

  /**
   * Removes a key in all processes, its owner first. A load under way does not put it back.
   *
   * @throws {GroupCacheError} With code `peer-failed` if a peer could not be told, and may serve
   * the value until that ends; the others have been told.
   * @throws {TypeError} If the key is none.
   */
  async remove(key: string, options?: CallOptions): Promise<void> {
    this.#check(key, options);
    await this.#writes.remove(key, this.#signalOf(options));
  }

  /** What the group has counted so far. */
  stats(): GroupStats {
    const { loads, loadsExecuted } = this.#counters;
    return { ...this.#counters, loadsShared: loads - loadsExecuted, ...this.#memory.stats() };
  }

  #check(key: string, options: CallOptions | undefined): void {
    checkKey(key);
    this.#checkCall(options);
  }

  #checkCall(options: CallOptions | undefined): void {
    if (this.#isClosed) throw this.#host.closing.reason;
    if (options?.signal?.aborted) throw options.signal.reason;
  }

  #lookUp(key: string): T | typeof MISS {
    let hit: T | typeof MISS;
    try {
      hit = this.#memory.get(key);
    } catch (error) {
      // If the key is none, that is what was found.
      checkWellFormed(key);
      this.#counters.gets++;
      throw this.#cannotDecode(key, error);
    }
    this.#counters.gets++;
    if (hit === MISS) this.#counters.loads++;
    else this.#counters.hits++;
    return hit;
  }

  /** The work of a flight in `#gets`. */
  #load(key: string, flight: Flight, travel: Travel): Promise<Arrival<T>> {
    this.#counters.loadsExecuted++;
    const peers = this.#host.peers.peersFor(key);
    // At once when the key is owned here: a removal that comes next must find the load in flight.
    if (peers === undefined) {
      return this.#local.loadLocally(key, flight.signal, { wereAsked: true });
    }
    const hedging = this.#hedging;
    if (hedging !== undefined) return this.#askHedged(key, peers, flight, travel, hedging);
    return this.#ask(key, peers, flight, travel);
  }

  #ask(
    key: string,
    peers: Iterable<Peer>,
    flight: Flight,
    travel: Travel,
  ): Promise<Arrival<T>> {
    const { signal } = flight;
    const { loadTimeoutMs } = this.#options;
    return askInTurn<EncodedValue, Arrival<T>>(peers, {
      signal,
      ask: (peer) => peer.get(this.name, key, { signal, loadTimeoutMs, ...travel }),
      onAnswer: (arrival) => this.#arrived(key, arrival, flight),
      askSelf: () => this.#local.loadLocally(key, signal, { wereAsked: true }),
      onPeerFailure: this.#onPeerFailure,
    });
  }

  /** As `#ask`, with a second request where the first one takes long. */
  async #askHedged(
    key: string,
    peers: Iterable<Peer>,
    flight: Flight,
    travel: Travel,
    hedging: Hedging,
  ): Promise<Arrival<T>> {
    const { loadTimeoutMs } = this.#options;
    let own: EncodedValue | undefined;
    const arrival = await hedging.ask<EncodedValue>(peers, {
      signal: flight.signal,
      askPeer: (peer, signal) => peer.get(this.name, key, { signal, loadTimeoutMs, ...travel }),
      askSelf: async (signal) =>
        own = await this.#local.loadLocally(key, signal, { wereAsked: true }),
      onPeerFailure: this.#onPeerFailure,
      counters: this.#counters,
    });
    return arrival === own ? arrival : this.#arrived(key, arrival, flight);
  }

  /** Takes note of a value that a peer brought. */
  #arrived(key: string, arrival: EncodedValue, flight: Flight): Arrival<T> {
    this.#counters.peerLoads++;
    if (flight.isCurrent) this.#mirror(key, arrival);
    return arrival;
  }

  #decode(key: string, arrival: Arrival<T>): T {
    const { codec } = this.#options;
    if (arrival.decoded !== undefined) return arrival.decoded;
    try {
      const value = codec.decode(arrival.view);
      if (codec.decodedBytes !== undefined) arrival.decoded = value;
      return value;
    } catch (error) {
      throw this.#cannotDecode(key, error);
    }
  }

  #cannotDecode(key: string, error: unknown): GroupCacheError {
    return new GroupCacheError(
      "load-failed",
      `Cannot decode ${quote(key)} of group ${quote(this.name)}: ${messageOf(error)}`,
      { cause: error },
    );
  }

  /** Keeps what a peer brought, if the key is hot. */
  #mirror(key: string, value: EncodedValue): void {
    const now = this.#host.clock.now();
    // A mirror whose owner has been asked again was in demand all along, though not at the owner.
    const isHot = this.#memory.isMirrored(key) ||
      this.#hotKeys.shouldMirror(value.minuteQps, now);
    if (!isHot) return;
    this.#counters.mirrored++;
    if (this.#memory.mirror(key, value)) this.#hotKeys.pushedOut(now);
  }

  #onPeerFailure = (peer: Peer, error: GroupCacheError): void => {
    this.#counters.peerErrors++;
    this.#host.report(new PeerErrorEvent({ peer: peer.url, error }));
  };

  /** The signal of a call that is no flight: its own, or that of the cache's end. */
  #signalOf(options: CallOptions | undefined): AbortSignal {
    const { closing } = this.#host;
    return options?.signal === undefined ? closing : AbortSignal.any([options.signal, closing]);
  }
}
