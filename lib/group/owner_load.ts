import type { GroupCacheError } from "../errors.ts";
import type { AskOptions } from "../peer/ask_owner.ts";
import type { EncodedValue, Peer } from "../peer/peer.ts";
import type { Counters } from "../stats.ts";
import type { Cancellation } from "../timing/cancellation.ts";
import type { Clock } from "../timing/clock.ts";
import type { GetTrace } from "./get_trace.ts";
import type { GroupMemory } from "./group_memory.ts";
import type { HotKeys } from "./hot_keys.ts";
import type { LocalGroup } from "./local_group.ts";
import type { Flight } from "./single_flight.ts";

/**
 * One load of a key that another process owns: asks that process, or those that stand in for it, or this
 * one. A class without closures, because each miss makes one: with closures it took six objects.
 */
export class OwnerLoad<T> implements AskOptions<EncodedValue, EncodedValue> {
  #options: OwnerLoadOptions<T>;
  #wanted: WantedKey;
  /** Peers that were asked, mostly one, at the load's start. */
  #first: Peer | undefined;
  #laterAtMs: Map<Peer, number> | undefined;

  constructor(options: OwnerLoadOptions<T>, wanted: WantedKey) {
    this.#options = options;
    this.#wanted = wanted;
  }

  get signal(): Cancellation {
    return this.#wanted.flight.signal;
  }

  askPeer(peer: Peer, signal: Cancellation): Promise<EncodedValue> {
    peer.health.traffic.calls++;
    const { group, loadTimeoutMs, stopwatch } = this.#options;
    if (this.#first === undefined) this.#first = peer;
    else (this.#laterAtMs ??= new Map()).set(peer, stopwatch());
    const { key, together, trace } = this.#wanted;
    const options = { signal, loadTimeoutMs, together };
    return trace?.ask(peer, key, options) ?? peer.get(group, key, options);
  }

  onAnswer(value: EncodedValue, peer: Peer): EncodedValue {
    const { stopwatch, counters } = this.#options;
    const ms = stopwatch() - (this.#laterAtMs?.get(peer) ?? this.#wanted.startedAtMs);
    peer.health.traffic.record(ms);
    counters.latencies.peer.record(ms);
    counters.peerLoads++;
    if (this.#wanted.flight.isCurrent) this.#mirror(value);
    return value;
  }

  askSelf(signal: Cancellation): Promise<EncodedValue> {
    const { key, trace } = this.#wanted;
    return this.#options.local.loadLocally(key, signal, { wereAsked: true, parent: trace?.span });
  }

  onPeerFailure(peer: Peer, error: GroupCacheError): void {
    this.#options.onPeerFailure(peer, error);
  }

  /** Keeps a value received from a peer, if the key is hot. */
  #mirror(value: EncodedValue): void {
    const { clock, hotKeys, memory, counters } = this.#options;
    // A mirror whose owner has been asked again was in demand all along, though not at the owner.
    const { key } = this.#wanted;
    const isMirrored = memory.isMirrored(key);
    if (!isMirrored && hotKeys.isCold(value.minuteQps)) return;
    const now = clock.now();
    if (!isMirrored && !hotKeys.shouldMirror(value.minuteQps, now)) return;
    counters.mirrored++;
    if (memory.mirror(key, value)) hotKeys.evictedMirrors(now);
  }
}

/** A key to load, and for whom. */
export interface WantedKey {
  readonly key: string;
  readonly flight: Flight;
  /** Whether it is sent together with others of the same turn. */
  readonly together: boolean;
  /** When it was asked for, by the stopwatch. */
  readonly startedAtMs: number;
  readonly trace: GetTrace | undefined;
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
