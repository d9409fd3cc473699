import type { Cancellation } from "./cancellation.ts";
import { type Group, groupIdle, handOverGroup } from "./group.ts";
import type { Greeter } from "./peer/greeter.ts";
import type { PeerSet } from "./peer/peer_set.ts";

/** Who leaves. */
export interface DrainOptions {
  // deno-lint-ignore no-explicit-any -- groups of any values
  groups: readonly Group<any, any>[];
  peers: PeerSet;
  greeter: Greeter;
  /** Ends it. */
  signal: Cancellation;
}

/**
 * Leaves a cluster so that nobody notices: tells the peers, which go elsewhere from then on, has
 * them fetch what they own next, and waits for what is under way.
 */
export async function drain({ groups, peers, greeter, signal }: DrainOptions): Promise<void> {
  peers.leave();
  await greeter.leave();
  await Promise.all(groups.map((group) => handOverGroup(group, signal)));
  await Promise.all(groups.map(groupIdle));
}
