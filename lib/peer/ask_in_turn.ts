import type { Cancellation } from "../cancellation.ts";
import { GroupCacheError } from "../errors.ts";
import type { Peer } from "./peer.ts";

/** How peers are asked one after the other. */
export interface AskInTurnOptions {
  /** Ends the asking: it rejects with the signal's reason. */
  signal: Cancellation;
  /** Told of each peer that could not be asked. */
  onPeerFailure: (peer: Peer, error: GroupCacheError) => void;
}

/**
 * Asks one peer, and the next as long as those before could not be asked. Returns the one that
 * answered, or undefined if none did. What a peer answers, be it an error, is final.
 */
export async function askInTurn(
  peers: Iterable<Peer>,
  ask: (peer: Peer) => Promise<void>,
  { signal, onPeerFailure }: AskInTurnOptions,
): Promise<Peer | undefined> {
  for (const peer of peers) {
    try {
      await ask(peer);
      return peer;
    } catch (error) {
      signal.throwIfAborted();
      if (!isPeerFailure(error)) throw error;
      onPeerFailure(peer, error);
    }
  }
  return undefined;
}

/** Whether an error says that a peer could not be asked. */
export function isPeerFailure(error: unknown): error is GroupCacheError {
  return error instanceof GroupCacheError && error.code === "peer-failed";
}
