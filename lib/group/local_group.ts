import { borrowBytes, viewOf } from "../byte_view.ts";
import type { Cancellation } from "../timing/cancellation.ts";
import { type Clock, stopwatchOf } from "../timing/clock.ts";
import { GroupCacheError, quote } from "../errors.ts";
import { LoadErrorEvent, ProblemEvent } from "../events.ts";
import type { GroupSpans } from "./group_spans.ts";
import type { GroupMemory } from "./group_memory.ts";
import type { HotKeys } from "./hot_keys.ts";
import type { Loader } from "./loader.ts";
import { handOff } from "../peer/handoff.ts";
import { peekInTurn } from "../peer/peek_in_turn.ts";
import type { BorrowedValue, EncodedValue, Peer, PeerBackend } from "../peer/peer.ts";
import type { PeerSet } from "../peer/peer_set.ts";
import { SingleFlight } from "./single_flight.ts";
import { type Counters, sourceOfError } from "../stats.ts";
import type { TraceParent } from "../tracer.ts";

/** How many keys of a handoff are fetched at a time. */
const HANDOFF_WINDOW = 100;

/**
 * One process's share of a group: the keys that it owns or stands in for. It serves this process's
 * callers and its peers.
 */
export class LocalGroup implements PeerBackend {
  #options: LocalGroupOptions;
  /** Runs of the loader. */
  #loads = new SingleFlight<EncodedValue>();
  /** Values on their way from a leaving process. */
  #handoffs = new SingleFlight<void>();
  #stopwatch: () => number;

  constructor(options: LocalGroupOptions) {
    this.#options = options;
    this.#stopwatch = stopwatchOf(options.clock);
  }

  get loadsTogether(): boolean {
    return this.#options.loader.loadsTogether;
  }

  count(key: string, nowMs: number): number {
    const { counters, hotKeys, mirrorMinuteQps } = this.#options;
    counters.serverRequests++;
    const minuteQps = hotKeys.count(key, nowMs);
    if (minuteQps >= mirrorMinuteQps) counters.hotServerRequests++;
    return minuteQps;
  }

  find(key: string): BorrowedValue | undefined {
    const { memory } = this.#options;
    return memory.find(key);
  }

  hold(key: string): EncodedValue | undefined {
    return this.#options.memory.hold(key);
  }

  load(key: string, signal: AbortSignal, traceparent?: string): Promise<EncodedValue> {
    const { counters, peers } = this.#options;
    const { peerAnswers } = counters;
    if (peers.isLeaving) {
      return Promise.reject(
        new GroupCacheError("closed", "Cannot load: the cache is closing"),
      );
    }
    counters.loads++;
    if (!this.#loads.has(key)) counters.loadsExecuted++;
    return this.loadLocally(key, signal, { wereAsked: false, parent: traceparent }).then(
      (value) => {
        peerAnswers[value.source ?? "load"]++;
        return value;
      },
      (error) => {
        peerAnswers[sourceOfError(error, signal)]++;
        throw error;
      },
    );
  }

  /**
   * Joins the load of a key, or starts one. If another process still has the value in memory it is
   * taken from there, and the loader does not run.
   *
   * @param options `wereAsked`: whether the peers that come before this process were asked already;
   * `peeks`: whether a value from the memory of another process will do, as it does by default;
   * `parent`: where the span of a load that starts belongs.
   */
  loadLocally(
    key: string,
    signal: Cancellation | undefined,
    options: { wereAsked: boolean; peeks?: boolean; parent?: TraceParent | undefined },
  ): Promise<EncodedValue> {
    const { group, memory, loader, peers, clock, p99Ms, counters, spans } = this.#options;
    const { parent } = options;
    return this.#loads.run(key, signal, async (flight) => {
      try {
        // A process that left may have handed the value off while its peers were asked.
        const here = options.wereAsked ? memory.view(key) : undefined;
        if (here !== undefined) return { ...here, source: "handoff" };
        const holders = options.peeks === false ? undefined : peers.holders(key, options);
        const held = holders &&
          await peekInTurn(holders, group, key, {
            signal: flight.signal,
            clock,
            p99Ms,
            ask: spans === undefined || parent === undefined
              ? undefined
              : (peer, options) => spans.peek(peer, key, parent, options),
          });
        if (held !== undefined) {
          counters.peekLoads++;
          if (flight.isCurrent) memory.keep(key, borrowBytes(held.view), held.expiresAtMs);
          return { ...held, source: "handoff" };
        }
        // Or while they were peeked at.
        const arrived = holders && memory.view(key);
        if (arrived !== undefined) return { ...arrived, source: "handoff" };
        const startedAtMs = this.#stopwatch();
        const { bytes, expiresAtMs } = await loader.run(key, flight, parent)
          .finally(() => counters.latencies.load.record(this.#stopwatch() - startedAtMs));
        counters.localLoads++;
        const kept = flight.isCurrent ? memory.keep(key, bytes, expiresAtMs) : undefined;
        if (memory.isTooLarge(bytes.byteLength)) this.#tellTooLarge(key, bytes.byteLength);
        return { view: kept ?? viewOf(bytes.slice()), expiresAtMs, source: "load" };
      } catch (error) {
        this.#loadFailed(key, error);
        throw error;
      }
    });
  }

  put(key: string, value: EncodedValue): void {
    this.#forget(key);
    const { memory, clock, loader } = this.#options;
    const expiresAtMs = Math.min(value.expiresAtMs, clock.now() + loader.maxTtlMs);
    memory.keep(key, borrowBytes(value.view), expiresAtMs);
  }

  /** Removes a key from memory. A load in flight does not put it back. */
  drop(key: string): void {
    this.#forget(key);
    this.#options.memory.drop(key);
  }

  /** As `drop`, for all keys. */
  dropAll(): void {
    this.#loads.forgetAll();
    this.#handoffs.forgetAll();
    this.#options.onChangeOfAll();
    this.#options.memory.clear();
  }

  async acceptHandoff(keys: readonly string[], from: Peer): Promise<void> {
    const { group, memory, counters } = this.#options;
    const fetchKey = (key: string) =>
      this.#handoffs.run(key, undefined, async (flight) => {
        if (memory.holds(key)) return;
        const value = await from.get(group, key, { signal: flight.signal, peek: true });
        if (flight.isCurrent && memory.acceptHandoff(key, value)) counters.handoffs++;
      }).catch(() => {});
    // Not all at once: callers share the queue to the peer with them.
    const rest = keys.values();
    const fetchRest = async (): Promise<void> => {
      for (const key of rest) await fetchKey(key);
    };
    await Promise.all(Array.from({ length: HANDOFF_WINDOW }, fetchRest));
  }

  /** Transfers the keys a peer is about to own, until the deadline. */
  handOff(peer: Peer, signal: Cancellation): Promise<void> {
    const { group, memory, peers } = this.#options;
    return handOff(peer, { group, keys: memory.hottest(), peers, signal });
  }

  /** Resolves once no load is in flight. */
  idle(): Promise<void> {
    return this.#loads.idle();
  }

  /** Whether a load of a key is in flight. */
  isLoading(key: string): boolean {
    return this.#loads.has(key);
  }

  /** Fails everything in flight. */
  failAll(reason: unknown): void {
    this.#loads.failAll(reason);
    this.#handoffs.failAll(reason);
  }

  #tellTooLarge(key: string, byteLength: number): void {
    const { group, report, memory } = this.#options;
    const message =
      `Cannot keep ${quote(key)} of group ${quote(group)}: its value has ${byteLength} ` +
      `bytes, and one may take half of maxBytes, ${memory.maxBytes}: each get loads it again`;
    report(new ProblemEvent({ cause: "too-large", message, subject: group }));
  }

  #loadFailed(key: string, error: unknown): void {
    // If the last caller left, or the cache was closed, the loader did not fail.
    if (!(error instanceof GroupCacheError)) return;
    if (error.code !== "load-failed" && error.code !== "timeout") return;
    const { counters, report, group } = this.#options;
    counters.localLoadErrors++;
    report(new LoadErrorEvent({ group, key, error }));
  }

  #forget(key: string): void {
    this.#loads.forget(key);
    this.#handoffs.forget(key);
    this.#options.onChange(key);
  }
}

/** Options for {@linkcode LocalGroup}. */
export interface LocalGroupOptions {
  /** The name of the group. */
  group: string;
  // deno-lint-ignore no-explicit-any -- values are bytes here
  memory: GroupMemory<any>;
  // deno-lint-ignore no-explicit-any -- as above
  loader: Loader<any, any>;
  hotKeys: HotKeys;
  /** Makes the spans of peeks; undefined without a tracer. */
  spans: GroupSpans | undefined;
  peers: PeerSet;
  clock: Clock;
  /** The rate from which peers mirror a key, in requests per minute. */
  mirrorMinuteQps: number;
  /** The time within which a peer gives 99 of 100 answers, in milliseconds, if that is measured. */
  p99Ms: (peer: Peer) => number | undefined;
  counters: Counters;
  /** Called for each key that is changed: a value on its way must not be kept. */
  onChange: (key: string) => void;
  /** As `onChange`, for all keys. */
  onChangeOfAll: () => void;
  /** Reports an event to operators. */
  report: (event: Event) => void;
}
