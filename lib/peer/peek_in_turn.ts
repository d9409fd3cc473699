import type { Cancellation } from "../timing/cancellation.ts";
import type { Clock } from "../timing/clock.ts";
import { withDeadline } from "../timing/deadline.ts";
import { GroupCacheError, isPeerFailure } from "../errors.ts";
import type { EncodedValue, Peer, PeerCallOptions } from "./peer.ts";

/** If a peek takes longer than this, a load may be quicker. */
const PEEK_MS = 1000;

/** Options for {@linkcode peekInTurn}. */
export interface PeekInTurnOptions {
  /** Ends the peeking: it rejects with the signal's reason. */
  signal: Cancellation;
  clock: Clock;
  /**
   * The time within which a peer gives 99 of 100 answers, in milliseconds, if that is measured. With
   * hedging, this peek may belong to a second request, sent because that very peer is stalled.
   */
  p99Ms: (peer: Peer) => number | undefined;
  /** Asks a peer; undefined: it is called as it is, and no span is made of it. */
  ask?: ((peer: Peer, options: PeerCallOptions) => Promise<EncodedValue>) | undefined;
}

/** Returns the value of a key from the memory of the first peer that has it. No peer loads it. */
export async function peekInTurn(
  peers: Iterable<Peer>,
  group: string,
  key: string,
  { signal, clock, p99Ms, ask = (peer, options) => peer.get(group, key, options) }:
    PeekInTurnOptions,
): Promise<EncodedValue | undefined> {
  for (const peer of peers) {
    // It would delay this key, too.
    if (peer.health.isLate) continue;
    let isHurried = false;
    const peekMs = Math.min(p99Ms(peer) ?? PEEK_MS, PEEK_MS);
    try {
      return await withDeadline((end) => ask(peer, { signal: end, peek: true }), {
        clock,
        ms: peekMs,
        signal,
        onLate: () => {
          isHurried = peekMs < PEEK_MS;
          if (!isHurried) peer.health.peekWasLate();
          throw new GroupCacheError(
            "peer-failed",
            `Cannot peek at peer ${peer.url}: no answer within ${peekMs} ms`,
          );
        },
      });
    } catch (error) {
      signal.throwIfAborted();
      // To be slower than usual for once is no sign of having left.
      if (isPeerFailure(error) && !isHurried) peer.health.peekFailed();
    }
  }
  return undefined;
}
