import type { ChangeExchange } from "../consistency/change_exchange.ts";
import type { LoggedChange } from "../consistency/change_log.ts";
import { GroupCacheError, isPeerFailure, messageOf, quote, valueTooLarge } from "../errors.ts";
import type { EncodedValue, Peer } from "../peer/peer.ts";
import type { PeerSet } from "../peer/peer_set.ts";
import type { Cancellation } from "../timing/cancellation.ts";
import type { ChangeTrace } from "./change_trace.ts";
import type { GroupSpans } from "./group_spans.ts";
import type { LocalGroup } from "./local_group.ts";

/**
 * A `set` that others overtake this often gives up: by then there were as many newer values. Of processes
 * that set a key at the same time one gets through in each round.
 */
const MAX_ATTEMPTS = 64;

/** Makes the changes of a group known to all processes, the key's owner first. */
export class Writes {
  #options: WritesOptions;

  constructor(options: WritesOptions) {
    this.#options = options;
  }

  /** Stores a value at its owner, and drops the key elsewhere. */
  set(key: string, value: EncodedValue, signal: Cancellation): Promise<void> {
    const { spans } = this.#options;
    if (spans === undefined) return this.#set(key, value, signal, undefined);
    return spans.change("set", key, signal, (trace) => this.#set(key, value, signal, trace));
  }

  async #set(
    key: string,
    value: EncodedValue,
    signal: Cancellation,
    trace: ChangeTrace | undefined,
  ): Promise<void> {
    const { group, local, peers, changes, maxValueBytes } = this.#options;
    const { size } = value.view;
    // Whether a value can be set must not depend on which process owns the key.
    if (size > maxValueBytes && peers.others().length > 0) {
      throw valueTooLarge(`set ${quote(key)}`, `${size} bytes`, maxValueBytes);
    }
    const turn = changes.turns.begin(signal);
    if (turn !== undefined) await turn;
    try {
      for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
        const change = changes.begin(group, key);
        const { holder, staleAt } = await this.#store(key, value, change, signal, trace);
        // A Go peer is not told before it is asked: callers may have fetched its old value meanwhile.
        if (holder !== undefined) local.drop(key);
        if (staleAt === 0) return await this.#tellOthers(change, holder, signal, trace);
        changes.superseded(change, staleAt);
      }
    } finally {
      changes.turns.end();
    }
    throw new GroupCacheError(
      "overloaded",
      `Cannot set ${quote(key)} of group ${
        quote(group)
      }: other processes set it at the same time, ` +
        `${MAX_ATTEMPTS} times over`,
    );
  }

  /** Has a value stored by its owner, or by the first of those that stand in which can be asked. */
  async #store(
    key: string,
    value: EncodedValue,
    change: LoggedChange,
    signal: Cancellation,
    trace: ChangeTrace | undefined,
  ): Promise<{ holder: Peer | undefined; staleAt: number }> {
    const { group, local, peers, changes, onPeerFailure } = this.#options;
    for (const peer of peers.peersFor(key) ?? []) {
      try {
        const staleAt = await tell(peer, trace, (traceparent) => {
          const note = changes.noteOf(change, peer);
          return peer.set(group, key, value, { signal, change: note, traceparent });
        });
        change.knownBy = peer.url;
        return { holder: peer, staleAt };
      } catch (error) {
        signal.throwIfAborted();
        if (!isPeerFailure(error)) throw error;
        onPeerFailure(peer, error);
      }
    }
    const outcome = changes.receiveValue(group, key, changes.noteOf(change, undefined));
    change.knownBy = peers.self;
    if (outcome === "yes") local.put(key, value);
    return { holder: undefined, staleAt: outcome === "stale" ? changes.time : 0 };
  }

  /** Removes a key everywhere. */
  remove(key: string, signal: Cancellation): Promise<void> {
    const { spans } = this.#options;
    if (spans === undefined) return this.#remove(key, signal, undefined);
    return spans.change("remove", key, signal, (trace) => this.#remove(key, signal, trace));
  }

  async #remove(key: string, signal: Cancellation, trace: ChangeTrace | undefined): Promise<void> {
    const { group, local, peers, changes } = this.#options;
    const turn = changes.turns.begin(signal);
    if (turn !== undefined) await turn;
    try {
      const change = changes.begin(group, key);
      const [owner] = peers.peersFor(key) ?? [];
      const told = owner && await this.#drop(owner, change, signal, trace)
        .then(() => owner, () => undefined);
      change.knownBy = owner === undefined ? peers.self : told?.url;
      local.drop(key);
      await this.#tellOthers(change, told, signal, trace);
    } finally {
      changes.turns.end();
    }
  }

  /** Has a peer drop a key. */
  #drop(
    peer: Peer,
    change: LoggedChange,
    signal: Cancellation,
    trace: ChangeTrace | undefined,
  ): Promise<void> {
    const { group, changes } = this.#options;
    return tell(peer, trace, (traceparent) => {
      const note = changes.noteOf(change, peer);
      return peer.remove(group, change.key, { signal, change: note, traceparent });
    });
  }

  /**
   * Has all others drop a key, those that come onto the list meanwhile included. All are told, even
   * if some cannot be.
   */
  async #tellOthers(
    change: LoggedChange,
    first: Peer | undefined,
    signal: Cancellation,
    trace: ChangeTrace | undefined,
  ): Promise<void> {
    const { group, peers, changes, onPeerFailure } = this.#options;
    const told = new Set([first]);
    const failures = new Map<Peer, unknown>();
    const drop = async (peer: Peer): Promise<void> => {
      told.add(peer);
      try {
        await this.#drop(peer, change, signal, trace);
      } catch (error) {
        failures.set(peer, error);
        if (isPeerFailure(error) && !signal.aborted) onPeerFailure(peer, error);
      }
    };
    for (;;) {
      const others = peers.others().filter((peer) => !told.has(peer));
      if (others.length === 0) break;
      await Promise.all(others.map(drop));
      signal.throwIfAborted();
    }
    if (failures.size === 0) return changes.settled(change);
    // Nothing is accepted from a peer that was not told, and one that leaves serves no callers soon.
    const listed = new Set(peers.others());
    const failed = [...failures].filter(([peer]) => listed.has(peer) && !peer.health.servesNobody);
    if (failed.length === 0) return;
    const errors = failed.map(([, error]) => error);
    throw new GroupCacheError(
      "peer-failed",
      `Cannot tell all peers of the change of ${quote(change.key)} of group ${quote(group)}; not ` +
        `told yet: ${
          failed.map(([peer, error]) => `${peer.url} (${messageOf(error)})`).join(", ")
        }`,
      { cause: errors.length === 1 ? errors[0] : new AggregateError(errors) },
    );
  }
}

/** Tells a peer of a change, in a span if the change is traced. */
function tell<Result>(
  peer: Peer,
  trace: ChangeTrace | undefined,
  call: (traceparent: string | undefined) => Promise<Result>,
): Promise<Result> {
  return trace === undefined ? call(undefined) : trace.tell(peer, call);
}

/** Options for {@linkcode Writes}. */
export interface WritesOptions {
  /** The name of the group. */
  group: string;
  /** The group's own memory. */
  local: Pick<LocalGroup, "put" | "drop">;
  peers: PeerSet;
  changes: ChangeExchange;
  /** Makes the spans of changes; undefined without a tracer. */
  spans: GroupSpans | undefined;
  /** The largest value sent between processes, in bytes. */
  maxValueBytes: number;
  /** Told of each peer that could not be told. */
  onPeerFailure: (peer: Peer, error: GroupCacheError) => void;
}
