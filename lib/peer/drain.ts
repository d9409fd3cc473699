import type { Cancellation } from "../timing/cancellation.ts";
import type { Handshake } from "./handshake.ts";
import type { Peer } from "./peer.ts";
import type { PeerSet } from "./peer_set.ts";

/** A group of a process that leaves. */
export interface DrainedGroup {
  /** Transfers the keys that a peer is about to own. */
  handOff(peer: Peer, signal: Cancellation): Promise<void>;
  /** Resolves once no caller waits for a value, and no load is in flight. */
  idle(): Promise<void>;
}

/** Options for {@linkcode drain}. */
export interface DrainOptions {
  groups: readonly DrainedGroup[];
  peers: PeerSet;
  handshake: Handshake;
  /** Ends it. */
  signal: Cancellation;
}

/**
 * Leaves a cluster so that nobody notices: tells the peers, which go elsewhere from then on, has
 * them fetch what they own next, and waits for what is under way.
 */
export async function drain({ groups, peers, handshake, signal }: DrainOptions): Promise<void> {
  peers.leave();
  // Each peer takes its own time, and holds up no other.
  await Promise.all(
    peers.others().map(async (peer) => {
      if (!await handshake.greet(peer, false)) return;
      for (const group of groups) await group.handOff(peer, signal);
    }),
  );
  await Promise.all(groups.map((group) => group.idle()));
}
