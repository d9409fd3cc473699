import { viewOf } from "./byte_view.ts";
import type { Codec } from "./codec.ts";
import { GroupCacheError, messageOf, quote } from "./errors.ts";
import { collect } from "./group/collect.ts";
import type { GetTrace } from "./group/get_trace.ts";
import type { GroupSpans } from "./group/group_spans.ts";
import { type GroupMemory, MISS } from "./group/group_memory.ts";
import type { HotKeys } from "./group/hot_keys.ts";
import { KeySampler } from "./group/key_sampler.ts";
import type { Loader } from "./group/loader.ts";
import type { LocalGroup } from "./group/local_group.ts";
import { OwnerLoad, type OwnerLoadOptions } from "./group/owner_load.ts";
import { type Flight, SingleFlight } from "./group/single_flight.ts";
import {
  type FetchedValue,
  type MissedGet,
  type Outcomes,
  WaitingGet,
} from "./group/waiting_get.ts";
import type { Writes } from "./group/writes.ts";
import type { CallOptions, Group } from "./group_api.ts";
import type { HotKey, Inspection } from "./process_report.ts";
import { checkKey, checkKeySize, checkWellFormed } from "./key.ts";
import type { AskOwner } from "./peer/ask_owner.ts";
import type { Peer } from "./peer/peer.ts";
import type { PeerSet } from "./peer/peer_set.ts";
import {
  type AnswerSource,
  type Counters,
  type GroupStats,
  sourceOfError,
  statsOf,
} from "./stats.ts";
import { type Cancellation, following } from "./timing/cancellation.ts";
import { type Clock, stopwatchOf } from "./timing/clock.ts";

// How a `get` comes to its value:
//
// 1. The main cache holds what this process owns, the hot cache mirrors of what others own.
// 2. On a miss the caller joins the key's flight, or starts one: one run per key and process.
// 3. The flight asks the key's owner, which has flights of its own: one run per key and cluster.
//    If the owner cannot be asked the next peer in the key's order stands in, and so on.
// 4. Where the order comes to this process, its loader runs, unless the key has just moved here and
//    its previous owner still has it in memory. The value goes to the main cache. Requests of peers
//    begin here: they are never passed on, so peers whose lists differ cannot send one in circles.
//    A flight of step 2 may wait for one of step 4, never the other way round.
// 5. A value received from a peer is mirrored in the hot cache if the key is hot.

/** Whether a key is asked for together with others. */
interface Batching {
  /** Whether it is sent to its owner together with others of the same turn. */
  readonly together: boolean;
  /** The trace that the others share. */
  readonly trace: GetTrace | undefined;
}

const ALONE: Batching = { together: false, trace: undefined };

/** A group of a process that may have peers: the read path. Users see it as {@linkcode Group}. */
export class ClusterGroup<T, Input = T> implements Group<T, Input> {
  readonly name: string;
  #options: ClusterGroupOptions<T, Input>;
  #memory: GroupMemory<T>;
  #counters: Counters;
  /** Misses of this process's callers. */
  #gets = new SingleFlight<FetchedValue<T>>();
  /** Has flights of its own, so that no circle of peers can form. */
  #local: LocalGroup;
  /** The same as `closing.aborted`, which costs a hit up to 20 ns. */
  #isClosed = false;
  /** Ends changes without a signal of their own. */
  #closing: Cancellation;
  #stopwatch: () => number;
  #ownerLoads: OwnerLoadOptions<T>;
  #outcomes: Outcomes<T> = {
    decode: (key, fetched, get) => this.#decode(key, fetched, get),
    failed: (error, get) => this.#failed(error, get),
  };
  /** Finds the hottest keys while somebody wants to know. */
  #sampler: KeySampler | undefined;

  constructor(name: string, options: ClusterGroupOptions<T, Input>) {
    this.name = name;
    this.#options = options;
    this.#memory = options.memory;
    this.#counters = options.counters;
    this.#local = options.local;
    const { closing, clock } = options;
    this.#stopwatch = stopwatchOf(clock);
    this.#ownerLoads = { ...options, group: name, stopwatch: this.#stopwatch };
    this.#closing = following(closing);
    closing.addEventListener("abort", () => {
      this.#isClosed = true;
      this.#gets.failAll(closing.reason);
      this.#local.failAll(closing.reason);
      this.#memory.clear();
    }, { once: true });
  }

  get(key: string, options?: CallOptions): Promise<T> {
    return this.#get(key, options, ALONE);
  }

  #get(key: string, options: CallOptions | undefined, batching: Batching): Promise<T> {
    try {
      checkKeySize(key);
      this.#checkCall(options);
      if (this.#sampler?.count(key) === false) this.#sampler = undefined;
      const hit = this.#lookUp(key);
      if (hit !== MISS) return Promise.resolve(hit);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#getMissing(key, options, batching);
  }

  /** Apart from `#get`, which would be slower by 5 to 13 % if it had a closure to create. */
  #getMissing(key: string, options: CallOptions | undefined, batching: Batching): Promise<T> {
    const startedAtMs = this.#stopwatch();
    const signal = options?.signal;
    const trace = batching.trace ??
      this.#options.spans?.get(key, { isShared: this.#gets.has(key) });
    const get = new WaitingGet(this.#outcomes, key, signal, startedAtMs);
    this.#gets.join(
      key,
      trace?.follow(get, signal) ?? get,
      signal,
      (flight) => this.#load(key, flight, batching, startedAtMs, trace),
    );
    return get.promise;
  }

  #failed(error: unknown, get: MissedGet): void {
    this.#answered(sourceOfError(error, get.signal), get);
  }

  /** Counts an answer that memory did not give. */
  #answered(source: AnswerSource, { startedAtMs }: MissedGet): void {
    const { answers, latencies } = this.#counters;
    answers[source]++;
    latencies.get.record(this.#stopwatch() - startedAtMs);
  }

  #lookUp(key: string): T | typeof MISS {
    let hit: T | typeof MISS;
    try {
      hit = this.#memory.get(key);
    } catch (error) {
      // If the key is invalid, that is the error to report.
      checkWellFormed(key);
      this.#rejectBytes(key, error);
      hit = MISS;
    }
    if (hit === MISS) this.#counters.loads++;
    return hit;
  }

  /** The work of a flight in `#gets`. */
  #load(
    key: string,
    flight: Flight<FetchedValue<T>>,
    batching: Batching,
    startedAtMs: number,
    trace: GetTrace | undefined,
  ): Promise<FetchedValue<T>> | undefined {
    const parent = trace?.span;
    const { peers, owners } = this.#options;
    this.#counters.loadsExecuted++;
    const preferred = peers.peersFor(key);
    // At once when the key is owned here: a removal that comes next must find the load in flight.
    if (preferred === undefined) {
      return this.#local.loadLocally(key, flight.signal, { wereAsked: true, parent });
    }
    const { together } = batching;
    owners.ask(
      preferred,
      new OwnerLoad(this.#ownerLoads, key, flight, together, startedAtMs, trace),
    );
    return undefined;
  }

  #decode(key: string, fetched: FetchedValue<T>, get: MissedGet): T | Promise<T> {
    const { codec } = this.#options;
    const source = fetched.source ?? "peer";
    try {
      const value = fetched.decoded ?? codec.decode(fetched.view);
      if (codec.decodedBytes !== undefined) fetched.decoded = value;
      this.#answered(source, get);
      return value;
    } catch (error) {
      const failure = this.#rejectBytes(key, error);
      if (source !== "load") return this.#loadAnew(key, get);
      this.#answered("error", get);
      throw failure;
    }
  }

  /** Drops bytes that the codec cannot decode: they would fail every call for as long as they live. */
  #rejectBytes(key: string, error: unknown): GroupCacheError {
    const failure = new GroupCacheError(
      "load-failed",
      `Cannot decode ${quote(key)} of group ${quote(this.name)}: ${messageOf(error)}`,
      { cause: error },
    );
    this.#memory.drop(key);
    this.#options.onDecodeFailure(key, failure);
    return failure;
  }

  /** A process of another version may have encoded a value. What this one loads it can decode. */
  async #loadAnew(key: string, get: MissedGet): Promise<T> {
    let loaded: FetchedValue<T>;
    try {
      loaded = await this.#local.loadLocally(key, get.signal, { wereAsked: true, peeks: false });
    } catch (error) {
      this.#failed(error, get);
      throw error;
    }
    return this.#decode(key, { ...loaded, source: "load" }, get);
  }

  getMany(keys: Iterable<string>, options?: CallOptions): Promise<Map<string, T>>;
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
    const batching = { together: true, trace: this.#options.spans?.getMany(distinct) };
    return await collect(distinct, (key) => this.#get(key, options, batching), options);
  }

  peek(key: string): T | undefined {
    checkKey(key);
    try {
      const hit = this.#memory.peek(key);
      return hit === MISS ? undefined : hit;
    } catch (error) {
      this.#rejectBytes(key, error);
      return undefined;
    }
  }

  async set(key: string, value: Input, options?: CallOptions): Promise<void> {
    this.#check(key, options);
    const { bytes, expiresAtMs } = this.#options.loader.encode(key, value);
    const encoded = { view: viewOf(bytes.slice()), expiresAtMs };
    await this.#options.writes.set(key, encoded, this.#signalOf(options));
  }

  async remove(key: string, options?: CallOptions): Promise<void> {
    this.#check(key, options);
    await this.#options.writes.remove(key, this.#signalOf(options));
  }

  stats(): GroupStats {
    return { ...statsOf(this.#counters), ...this.#memory.stats() };
  }

  inspect(key: string): Inspection {
    checkKey(key);
    const order = this.#options.peers.orderOf(key);
    return {
      owner: order[0] ?? null,
      order,
      ...this.#memory.inspect(key),
      isLoading: this.#gets.has(key) || this.#local.isLoading(key),
    };
  }

  /** Returns the keys that this process's application asks for most, from the first call on. */
  hotKeys(limit: number): HotKey[] {
    this.#sampler ??= new KeySampler(() => this.#options.clock.now(), this.#options.random);
    return this.#sampler.top(limit).map(({ key, perSecond }) => ({
      group: this.name,
      key,
      perSecond,
      isMirrored: this.#memory.isMirrored(key),
      owner: this.#options.peers.orderOf(key)[0] ?? null,
    }));
  }

  /** Keeps a value that is on its way from being shared with later callers, and from being mirrored. */
  forget(key: string): void {
    this.#gets.forget(key);
  }

  /** As `forget`, for all keys. */
  forgetAll(): void {
    this.#gets.forgetAll();
  }

  /** Resolves once no caller waits for a value, and no load is in flight. */
  async idle(): Promise<void> {
    await this.#gets.idle();
    await this.#local.idle();
  }

  #check(key: string, options: CallOptions | undefined): void {
    checkKey(key);
    this.#checkCall(options);
  }

  #checkCall(options: CallOptions | undefined): void {
    if (this.#isClosed) throw this.#options.closing.reason;
    if (options?.signal?.aborted) throw options.signal.reason;
  }

  /** The signal of a call without a flight: the caller's and that of the cache's end. */
  #signalOf(options: CallOptions | undefined): Cancellation {
    if (options?.signal === undefined) return this.#closing;
    return AbortSignal.any([options.signal, this.#options.closing]);
  }
}

/** Options for {@linkcode ClusterGroup}: the parts that it is made of. */
export interface ClusterGroupOptions<T, Input> {
  codec: Codec<T, Input>;
  /** How long a load may take, in milliseconds. */
  loadTimeoutMs: number;
  memory: GroupMemory<T>;
  loader: Loader<T, Input>;
  local: LocalGroup;
  writes: Writes;
  hotKeys: HotKeys;
  /** Makes the spans of gets; undefined without a tracer. */
  spans: GroupSpans | undefined;
  peers: PeerSet;
  /** How other processes are asked for the values that they own. */
  owners: AskOwner;
  clock: Clock;
  /** The source of randomness, as `Math.random`. */
  random: () => number;
  counters: Counters;
  /** Called for each peer that could not be asked. */
  onPeerFailure: (peer: Peer, error: GroupCacheError) => void;
  /** Called for each value that the codec could not decode. */
  onDecodeFailure: (key: string, error: GroupCacheError) => void;
  /** Aborts when the cache is closed, with the error for all who wait. */
  closing: AbortSignal;
}
