import { isPeerFailure } from "../errors.ts";
import { deliver, type Waiter } from "../timing/waiter.ts";
import type { AskOwner, Question } from "./ask_owner.ts";
import type { Peer } from "./peer.ts";

/** Asks one peer at a time. */
export const askInTurn: AskOwner = {
  ask: (peers, question) => new Turns(peers[Symbol.iterator](), question).next(),
  p99Ms: () => undefined,
};

/** Waits for the answer of one peer after the other. */
class Turns<Answer> implements Waiter<Answer> {
  #peers: Iterator<Peer>;
  #question: Question<Answer>;
  /** Who is being asked. */
  #peer: Peer | undefined;

  constructor(peers: Iterator<Peer>, question: Question<Answer>) {
    this.#peers = peers;
    this.#question = question;
  }

  next(): void {
    const question = this.#question;
    const { done, value: peer } = this.#peers.next();
    this.#peer = peer;
    if (done) deliver(question.askSelf(question.signal), this);
    else question.askPeer(peer, question.signal, this);
  }

  resolve(answer: Answer): void {
    this.#question.onAnswer(answer, this.#peer);
  }

  reject(error: unknown): void {
    const { signal } = this.#question;
    if (signal.aborted) return this.#question.onError(signal.reason);
    if (this.#peer === undefined || !isPeerFailure(error)) return this.#question.onError(error);
    this.#question.onPeerFailure(this.#peer, error);
    try {
      this.next();
    } catch (error) {
      this.#question.onError(error);
    }
  }
}
