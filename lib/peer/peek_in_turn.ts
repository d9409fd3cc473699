import type { Cancellation } from "../timing/cancellation.ts";
import type { Clock } from "../timing/clock.ts";
import { withDeadline } from "../timing/deadline.ts";
import { GroupCacheError } from "../errors.ts";
import { isPeerFailure } from "./ask_in_turn.ts";
import type { EncodedValue, Peer } from "./peer.ts";

/** A peer that takes longer to look into its memory does not help: a load may be quicker. */
const PEEK_MS = 1000;

/** How peers are peeked at one after the other. */
export interface PeekInTurnOptions {
  /** Ends the peeking: it rejects with the signal's reason. */
  signal: Cancellation;
  clock: Clock;
  /**
   * How long a peer takes at most as a rule, in milliseconds, where second requests are sent: one
   * may be what this is about, because a peer stands still, and must not wait for that peer too.
   */
  usualMs?: (peer: Peer) => number | undefined;
}

/** The value of a key out of the memory of the first peer that has it. No peer loads for this. */
export async function peekInTurn(
  peers: Iterable<Peer>,
  group: string,
  key: string,
  { signal, clock, usualMs }: PeekInTurnOptions,
): Promise<EncodedValue | undefined> {
  for (const peer of peers) {
    // It would keep the next key waiting as well.
    if (peer.health.isLate) continue;
    const peekMs = Math.min(usualMs?.(peer) ?? PEEK_MS, PEEK_MS);
    try {
      return await withDeadline((end) => peer.get(group, key, { signal: end, peek: true }), {
        clock,
        ms: peekMs,
        signal,
        onLate: () => {
          if (peekMs === PEEK_MS) peer.health.peekWasLate();
          throw new GroupCacheError(
            "peer-failed",
            `Cannot peek at peer ${peer.url}: no answer within ${peekMs} ms`,
          );
        },
      });
    } catch (error) {
      signal.throwIfAborted();
      if (isPeerFailure(error)) peer.health.peekFailed();
    }
  }
  return undefined;
}
