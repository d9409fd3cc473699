import { GroupCacheError, isPeerFailure, messageOf, quote, valueTooLarge } from "../errors.ts";
import { askInTurn } from "../peer/ask_in_turn.ts";
import type { EncodedValue, Peer, PeerBackend } from "../peer/peer.ts";
import type { PeerSet } from "../peer/peer_set.ts";

/** Options for {@linkcode Writes}. */
export interface WritesOptions {
  /** The name of the group. */
  group: string;
  /** This process's share of the group. */
  local: Pick<PeerBackend, "put" | "drop">;
  peers: PeerSet;
  /** The largest value that may be sent between processes, in bytes. */
  maxValueBytes: number;
  /** Called for each peer that could not be told. */
  onPeerFailure: (peer: Peer, error: GroupCacheError) => void;
}

/**
 * Makes a change in all processes. The owner is told first: otherwise another process could drop the
 * old value and then fetch it from the owner again. All others drop what they have.
 */
export class Writes {
  #options: WritesOptions;

  constructor(options: WritesOptions) {
    this.#options = options;
  }

  /** Stores a value at its owner, and drops the key elsewhere. */
  async set(key: string, value: EncodedValue, signal: AbortSignal): Promise<void> {
    const { group, local, peers, maxValueBytes, onPeerFailure } = this.#options;
    const { size } = value.view;
    // Whether a value can be set must not depend on which process owns the key.
    if (size > maxValueBytes && peers.others().length > 0) {
      throw valueTooLarge(`set ${quote(key)}`, `${size} bytes`, maxValueBytes);
    }
    local.drop(key);
    const owner = await askInTurn.ask<void, Peer | undefined>(peers.peersFor(key) ?? [], {
      signal,
      askPeer: (peer) => peer.set(group, key, value, { signal }),
      onAnswer: (_, peer) => peer,
      askSelf: () => Promise.resolve(undefined),
      onPeerFailure,
    });
    // A caller may have fetched the old value while the owner was being told.
    if (owner === undefined) local.put(key, value);
    else local.drop(key);
    await this.#dropElsewhere(key, owner, signal);
  }

  /** Removes a key. */
  async remove(key: string, signal: AbortSignal): Promise<void> {
    const { group, local, peers } = this.#options;
    local.drop(key);
    const [owner] = peers.peersFor(key) ?? [];
    const told = await owner?.remove(group, key, { signal }).then(() => owner, () => undefined);
    local.drop(key);
    await this.#dropElsewhere(key, told, signal);
  }

  /** Drops a key at all peers but `told`. All are told, even if some cannot be. */
  async #dropElsewhere(key: string, told: Peer | undefined, signal: AbortSignal): Promise<void> {
    const { group, peers, onPeerFailure } = this.#options;
    const others = peers.others().filter((peer) => peer !== told);
    const failures: unknown[] = [];
    await Promise.all(others.map(async (peer) => {
      try {
        await peer.remove(group, key, { signal });
      } catch (error) {
        // Others take nothing from it any more, so what it still holds does no harm.
        if (peer.health.isLeaving || peer.health.isGone) return;
        failures.push(error);
        if (isPeerFailure(error) && !signal.aborted) onPeerFailure(peer, error);
      }
    }));
    signal.throwIfAborted();
    if (failures.length === 0) return;
    throw new GroupCacheError(
      "peer-failed",
      `Cannot drop ${quote(key)} of group ${quote(group)} everywhere: ` +
        failures.map(messageOf).join("; "),
      { cause: failures.length === 1 ? failures[0] : new AggregateError(failures) },
    );
  }
}
