import type { GroupCacheError } from "../errors.ts";
import type { Question } from "../peer/ask_owner.ts";
import type { EncodedValue, Peer, PeerCallOptions } from "../peer/peer.ts";
import type { Counters } from "../stats.ts";
import type { Cancellation } from "../timing/cancellation.ts";
import type { Clock } from "../timing/clock.ts";
import type { Waiter } from "../timing/waiter.ts";
import type { GetTrace } from "./get_trace.ts";
import type { GroupMemory } from "./group_memory.ts";
import type { HotKeys } from "./hot_keys.ts";
import type { LocalGroup } from "./local_group.ts";
import type { Flight } from "./single_flight.ts";

/**
 * One load of a key that another process owns: asks that process, or those that stand in for it, or this
 * one.
 *
 * Each miss makes one, so it has no closures, and neither it nor what it makes is an object literal: V8
 * allocates the objects of a literal among the old ones if those of the first seconds lived long. Then
 * everything that they point to waits for a full collection, many times a second.
 */
export class OwnerLoad<T> implements Question<EncodedValue> {
  #options: OwnerLoadOptions<T>;
  #key: string;
  #flight: Flight<EncodedValue>;
  #together: boolean;
  #startedAtMs: number;
  #trace: GetTrace | undefined;
  /** Peers that were asked, mostly one, at the load's start. */
  #first: Peer | undefined;
  #laterAtMs: Map<Peer, number> | undefined;

  /**
   * @param together Whether the key is sent together with others of the same turn.
   * @param startedAtMs When it was asked for, by the stopwatch.
   */
  constructor(
    options: OwnerLoadOptions<T>,
    key: string,
    flight: Flight<EncodedValue>,
    together: boolean,
    startedAtMs: number,
    trace: GetTrace | undefined,
  ) {
    this.#options = options;
    this.#key = key;
    this.#flight = flight;
    this.#together = together;
    this.#startedAtMs = startedAtMs;
    this.#trace = trace;
  }

  get signal(): Cancellation {
    return this.#flight.signal;
  }

  askPeer(peer: Peer, signal: Cancellation, waiter: Waiter<EncodedValue>): void {
    peer.health.traffic.calls++;
    const { group, loadTimeoutMs, stopwatch } = this.#options;
    if (this.#first === undefined) this.#first = peer;
    else (this.#laterAtMs ??= new Map()).set(peer, stopwatch());
    const options = new GetOptions(signal, loadTimeoutMs, this.#together);
    if (this.#trace === undefined) peer.request(group, this.#key, options, waiter);
    else this.#trace.ask(peer, this.#key, options, waiter);
  }

  onAnswer(value: EncodedValue, peer: Peer | undefined): void {
    try {
      if (peer !== undefined) this.#answered(value, peer);
      this.#flight.resolve(value);
    } catch (error) {
      this.#flight.reject(error);
    }
  }

  onError(error: unknown): void {
    this.#flight.reject(error);
  }

  #answered(value: EncodedValue, peer: Peer): void {
    const { stopwatch, counters } = this.#options;
    const ms = stopwatch() - (this.#laterAtMs?.get(peer) ?? this.#startedAtMs);
    peer.health.traffic.record(ms);
    counters.latencies.peer.record(ms);
    counters.peerLoads++;
    if (this.#flight.isCurrent) this.#mirror(value);
  }

  askSelf(signal: Cancellation): Promise<EncodedValue> {
    const { local } = this.#options;
    return local.loadLocally(this.#key, signal, { wereAsked: true, parent: this.#trace?.span });
  }

  onPeerFailure(peer: Peer, error: GroupCacheError): void {
    this.#options.onPeerFailure(peer, error);
  }

  /** Keeps a value received from a peer, if the key is hot. */
  #mirror(value: EncodedValue): void {
    const { clock, hotKeys, memory, counters } = this.#options;
    // A mirror whose owner has been asked again was in demand all along, though not at the owner.
    const isMirrored = memory.isMirrored(this.#key);
    if (!isMirrored && hotKeys.isCold(value.minuteQps)) return;
    const now = clock.now();
    if (!isMirrored && !hotKeys.shouldMirror(value.minuteQps, now)) return;
    counters.mirrored++;
    if (memory.mirror(this.#key, value)) hotKeys.evictedMirrors(now);
  }
}

class GetOptions implements PeerCallOptions {
  readonly signal: Cancellation;
  readonly loadTimeoutMs: number;
  readonly together: boolean;

  constructor(signal: Cancellation, loadTimeoutMs: number, together: boolean) {
    this.signal = signal;
    this.loadTimeoutMs = loadTimeoutMs;
    this.together = together;
  }
}

/** What the loads of a group have in common. */
export interface OwnerLoadOptions<T> {
  /** The name of the group. */
  group: string;
  /** How long a load may take, in milliseconds. */
  loadTimeoutMs: number;
  memory: GroupMemory<T>;
  local: LocalGroup;
  hotKeys: HotKeys;
  clock: Clock;
  /** Returns milliseconds, for measuring. */
  stopwatch: () => number;
  counters: Counters;
  /** Called for each peer that could not be asked. */
  onPeerFailure: (peer: Peer, error: GroupCacheError) => void;
}
