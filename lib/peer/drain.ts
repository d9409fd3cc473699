import type { Cancellation } from "../timing/cancellation.ts";
import { type Group, groupIdle, handOffGroup } from "../group.ts";
import type { Handshake } from "./handshake.ts";
import type { PeerSet } from "./peer_set.ts";

/** Who leaves. */
export interface DrainOptions {
  // deno-lint-ignore no-explicit-any -- groups of any values
  groups: readonly Group<any, any>[];
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
      for (const group of groups) await handOffGroup(group, peer, signal);
    }),
  );
  await Promise.all(groups.map(groupIdle));
}
