import type { Cancellation } from "../timing/cancellation.ts";
import type { Peer } from "./peer.ts";
import type { PeerSet } from "./peer_set.ts";

/** A peer fetches so much in one go, keys included, that a busy one takes no longer than a moment. */
const MAX_KEYS = 500;
const MAX_BYTES = 4 << 20;

/** What is handed over. */
export interface HandoffOptions {
  /** The name of the group. */
  group: string;
  /** Its keys, the most important ones first. */
  keys: Iterable<{ readonly key: string; readonly valueBytes: number }>;
  peers: PeerSet;
  /** Ends it. */
  signal: Cancellation;
}

/**
 * Offers a peer the keys that it owns next, lot by lot, as far as time goes. The peer fetches them:
 * so a removal that comes in between is seen where the value arrives.
 */
export async function handOff(
  peer: Peer,
  { group, keys, peers, signal }: HandoffOptions,
): Promise<void> {
  let lot: string[] = [];
  let bytes = 0;
  const sendLot = async (): Promise<void> => {
    await peer.handoff(group, lot, { signal }).catch(() => {});
    lot = [];
    bytes = 0;
  };
  for (const { key, valueBytes } of keys) {
    if (signal.aborted) return;
    const [next] = peers.peersFor(key) ?? [];
    if (next !== peer) continue;
    lot.push(key);
    bytes += 2 * key.length + valueBytes;
    if (lot.length >= MAX_KEYS || bytes >= MAX_BYTES) await sendLot();
  }
  if (lot.length > 0) await sendLot();
}
