import type { Cancellation } from "../timing/cancellation.ts";
import type { Clock } from "../timing/clock.ts";
import { withDeadline } from "../timing/deadline.ts";
import type { Handshake } from "./handshake.ts";
import type { Peer } from "./peer.ts";
import type { PeerSet } from "./peer_set.ts";

/** A group of a leaving process. */
export interface DrainedGroup {
  /** Transfers the keys that a peer is about to own. */
  handOff(peer: Peer, signal: Cancellation): Promise<void>;
  /** Resolves once no caller waits for a value, and no load is in flight. */
  idle(): Promise<void>;
}

/**
 * Leaves a cluster gracefully: tells the peers, which go elsewhere from then on, transfers to each
 * the keys that it is about to own, and waits for what is in flight. Ends early if its time is over.
 */
export async function drain(options: DrainOptions): Promise<void> {
  const { clock, drainMs: ms, signal } = options;
  try {
    await withDeadline((end) => leave(options, end), { clock, ms, signal, onLate: () => {} });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function leave({ groups, peers, handshake }: DrainOptions, end: Cancellation): Promise<void> {
  peers.leave();
  // At once, so that a slow peer does not hold up the others.
  await Promise.all(
    peers.others().map(async (peer) => {
      if (!await handshake.greet(peer, { hadGivenUp: false })) return;
      for (const group of groups) await group.handOff(peer, end);
    }),
  );
  await Promise.all(groups.map((group) => group.idle()));
}

/** Options for {@linkcode drain}. */
export interface DrainOptions {
  groups: readonly DrainedGroup[];
  peers: PeerSet;
  handshake: Handshake;
  clock: Clock;
  /** How long it may take, in milliseconds. */
  drainMs: number;
  /** Ends the drain early. */
  signal: AbortSignal;
}
