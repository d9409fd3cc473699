import { GroupCacheError, isPeerFailure, messageOf, quote, valueTooLarge } from "../errors.ts";
import { askInTurn } from "../peer/ask_in_turn.ts";
import type { EncodedValue, Peer, PeerBackend } from "../peer/peer.ts";
import type { PeerSet } from "../peer/peer_set.ts";

/** How a {@linkcode Writes} is made. */
export interface WritesOptions {
  /** The name of the group. */
  group: string;
  /** The group's own memory. */
  local: Pick<PeerBackend, "put" | "drop">;
  peers: PeerSet;
  /** Bytes of one value that may travel. */
  maxValueBytes: number;
  /** Told of each peer that could not be told. */
  onPeerFailure: (peer: Peer, error: GroupCacheError) => void;
}

/**
 * Makes a change in all processes. The owner is told first: were it told later, another process
 * could ask it for the old value after it had dropped its own. All others drop what they have.
 */
export class Writes {
  #options: WritesOptions;

  constructor(options: WritesOptions) {
    this.#options = options;
  }

  /** Puts a value where its key belongs. */
  async set(key: string, value: EncodedValue, signal: AbortSignal): Promise<void> {
    const { group, local, peers, maxValueBytes, onPeerFailure } = this.#options;
    const { size } = value.view;
    // Wherever the key belongs: whether a value can be set must not hang on that.
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
    // Callers may have fetched the old value while the owner was told.
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

  /** Drops a key at all others but one. All are told, whatever becomes of some. */
  async #dropElsewhere(key: string, told: Peer | undefined, signal: AbortSignal): Promise<void> {
    const { group, peers, onPeerFailure } = this.#options;
    const others = peers.others().filter((peer) => peer !== told);
    const failures: unknown[] = [];
    await Promise.all(others.map(async (peer) => {
      try {
        await peer.remove(group, key, { signal });
      } catch (error) {
        // Nobody gets from it what it could not be told to drop.
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
