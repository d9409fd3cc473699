import type { Cancellation } from "../cancellation.ts";
import type { Peer } from "./peer.ts";
import type { PeerSet } from "./peer_set.ts";

/** A peer fetches so much in one go that a busy one takes no longer than a moment. */
const MAX_KEYS = 500;
const MAX_BYTES = 4 << 20;

/** What is handed over. */
export interface HandOverOptions {
  /** The name of the group. */
  group: string;
  /** Its keys, the most important ones first. */
  keys: Iterable<{ readonly key: string; readonly valueBytes: number }>;
  peers: PeerSet;
  /** Ends it. */
  signal: Cancellation;
}

/** What one peer is to get next. */
class Lot {
  keys: string[] = [];
  bytes = 0;
  /** The lot before. */
  underWay: Promise<void> = Promise.resolve();
}

/**
 * Offers keys to the peers that own them next, lot by lot, as far as time goes. The peers fetch
 * them: so a removal that comes in between is seen where the value arrives. Nobody who cannot be
 * asked holds up the others.
 */
export async function handOver({ group, keys, peers, signal }: HandOverOptions): Promise<void> {
  const lots = new Map<Peer, Lot>();
  const send = async (peer: Peer, lot: Lot): Promise<void> => {
    const { keys } = lot;
    lot.keys = [];
    lot.bytes = 0;
    await lot.underWay;
    if (!signal.aborted) lot.underWay = peer.offer(group, keys, { signal }).catch(() => {});
  };
  for (const { key, valueBytes } of keys) {
    if (signal.aborted) return;
    const [next] = peers.before(key) ?? [];
    if (next === undefined) continue;
    let lot = lots.get(next);
    if (lot === undefined) lots.set(next, lot = new Lot());
    lot.keys.push(key);
    lot.bytes += valueBytes;
    if (lot.keys.length >= MAX_KEYS || lot.bytes >= MAX_BYTES) await send(next, lot);
  }
  await Promise.all([...lots].map(async ([peer, lot]) => {
    await send(peer, lot);
    await lot.underWay;
  }));
}
