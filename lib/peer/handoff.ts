import type { Cancellation } from "../timing/cancellation.ts";
import type { Peer } from "./peer.ts";
import type { PeerSet } from "./peer_set.ts";

/** The size of a batch, keys included: small enough for a busy peer to fetch in a moment. */
const MAX_KEYS = 500;
const MAX_BYTES = 4 << 20;

/**
 * Offers a peer the keys that it is about to own, batch by batch, until the deadline. The peer fetches
 * the values, so that it notices a removal that comes in between.
 */
export async function handOff(
  peer: Peer,
  { group, keys, peers, signal }: HandoffOptions,
): Promise<void> {
  let batch: string[] = [];
  let bytes = 0;
  const sendBatch = async (): Promise<void> => {
    await peer.handoff(group, batch, { signal }).catch(() => {});
    batch = [];
    bytes = 0;
  };
  for (const { key, valueBytes } of keys) {
    if (signal.aborted) return;
    const [next] = peers.peersFor(key) ?? [];
    if (next !== peer) continue;
    batch.push(key);
    bytes += 2 * key.length + valueBytes;
    if (batch.length >= MAX_KEYS || bytes >= MAX_BYTES) await sendBatch();
  }
  if (batch.length > 0) await sendBatch();
}

/** Options for {@linkcode handOff}. */
export interface HandoffOptions {
  /** The name of the group. */
  group: string;
  /** The group's keys, the most important ones first. */
  keys: Iterable<{ readonly key: string; readonly valueBytes: number }>;
  peers: PeerSet;
  /** Ends the transfer. */
  signal: Cancellation;
}
