import type { GroupCacheError } from "../errors.ts";
import type { Cancellation } from "../timing/cancellation.ts";
import type { Peer } from "./peer.ts";

/** How a process asks for a value that others own: one peer after the other, or with hedging. */
export interface AskOwner {
  /**
   * Asks the first of `peers`, and the next if that one could not be asked; this process when none
   * is left. What a peer answers is final, even if it is an error.
   */
  ask<Answer, Result>(peers: Iterable<Peer>, options: AskOptions<Answer, Result>): Promise<Result>;
  /** The time within which a peer gives 99 of 100 answers, in milliseconds, if that is measured. */
  p99Ms(peer: Peer): number | undefined;
}

/** Options for {@linkcode AskOwner.ask}. */
export interface AskOptions<Answer, Result> {
  /** Ends the asking: it rejects with the signal's reason. */
  readonly signal: Cancellation;
  /** Asks a peer. */
  askPeer(peer: Peer, signal: Cancellation): Promise<Answer>;
  /** Turns the answer that is taken, and the peer that gave it, into the result. */
  onAnswer(answer: Answer, peer: Peer): Result;
  /** Asks this process. */
  askSelf(signal: Cancellation): Promise<Result>;
  /** Called for each peer that could not be asked. */
  onPeerFailure(peer: Peer, error: GroupCacheError): void;
}
