import type { GroupCacheError } from "../errors.ts";
import type { Cancellation } from "../timing/cancellation.ts";
import type { Waiter } from "../timing/waiter.ts";
import type { Peer } from "./peer.ts";

/** How a process asks for a value that others own: one peer after the other, or with hedging. */
export interface AskOwner {
  /**
   * Asks the first of `peers`, and the next if that one could not be asked; this process when none
   * is left. What a peer answers is final, even if it is an error.
   */
  ask<Answer>(peers: Iterable<Peer>, question: Question<Answer>): void;
  /** The time within which a peer gives 99 of 100 answers, in milliseconds, if that is measured. */
  p99Ms(peer: Peer): number | undefined;
}

/** What {@linkcode AskOwner.ask} asks. */
export interface Question<Answer> {
  /** Ends the asking: the question fails with the signal's reason. */
  readonly signal: Cancellation;
  /** Asks a peer. */
  askPeer(peer: Peer, signal: Cancellation, waiter: Waiter<Answer>): void;
  /** Asks this process. */
  askSelf(signal: Cancellation): Promise<Answer>;
  /** Called for each peer that could not be asked. */
  onPeerFailure(peer: Peer, error: GroupCacheError): void;
  /** Called with the answer that is taken, and the peer that gave it; undefined for this process. */
  onAnswer(answer: Answer, peer: Peer | undefined): void;
  /** Called if there is no answer. */
  onError(error: unknown): void;
}
