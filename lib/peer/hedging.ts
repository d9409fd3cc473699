import { LightCancellation } from "../timing/cancellation.ts";
import type { Clock } from "../timing/clock.ts";
import { GroupCacheError, isPeerFailure } from "../errors.ts";
import type { AskOwner, Question } from "./ask_owner.ts";
import { deliver, type Waiter } from "../timing/waiter.ts";
import { Due, DueQueue } from "../timing/due_queue.ts";
import type { HedgeBudget } from "./hedge_budget.ts";
import { Latencies } from "./latencies.ts";
import type { Peer } from "./peer.ts";

// A peer may stall for a moment: a garbage collection, a full queue, a lost packet. When an answer
// takes longer than 99 of 100 of the peer's answers do, the next process in the key's order is asked
// too, and the first answer wins (Dean and Barroso, "The Tail at Scale", 2013). No more than two are
// asked at a time, and none is asked twice.

/** The latency of a peer, and the calls that wait for it. */
interface PeerLatency {
  readonly latencies: Latencies;
  readonly overdue: DueQueue;
}

/** A request in flight, to a peer or to this process. */
interface Attempt {
  /** Undefined for this process. */
  readonly peer: Peer | undefined;
  readonly isHedge: boolean;
  readonly startedAtMs: number;
}

/**
 * Asks for the values of one group, and sends a second request where the first one takes long. Each
 * group has its own, because what is long depends on its loader.
 */
export class Hedging implements AskOwner {
  readonly options: HedgingOptions;
  #peerLatencies = new WeakMap<Peer, PeerLatency>();

  constructor(options: HedgingOptions) {
    this.options = options;
  }

  /**
   * Asks the first peer, and the next one if that could not be asked or takes long; this process
   * when none is left. What a peer answers is final, even if it is an error. But an error from a
   * second request waits for the first one: hedging must not make a call fail.
   */
  ask<Answer>(peers: Iterable<Peer>, question: Question<Answer>): void {
    new HedgedAsk(this, peers[Symbol.iterator](), question).start();
  }

  p99Ms(peer: Peer): number | undefined {
    return this.of(peer).latencies.p99Ms;
  }

  /** What is known of a peer. */
  of(peer: Peer): PeerLatency {
    let peerLatency = this.#peerLatencies.get(peer);
    if (peerLatency === undefined) {
      const { clock } = this.options;
      const latencies = new Latencies(clock.now());
      peerLatency = { latencies, overdue: new DueQueue({ clock }) };
      this.#peerLatencies.set(peer, peerLatency);
    }
    return peerLatency;
  }
}

/** Options for {@linkcode Hedging}. */
export interface HedgingOptions {
  clock: Clock;
  /** Bounds the second requests. */
  budget: HedgeBudget;
  /** Where second requests are counted. */
  counters: { hedges: number; hedgesWon: number };
}

/** One call: asks for one value. */
class HedgedAsk<Answer> extends Due {
  #hedging: Hedging;
  #rest: Iterator<Peer>;
  #question: Question<Answer>;
  /** Ends the requests in flight. */
  #end = new LightCancellation();
  #isOver = false;
  #underWay: Attempt[] = [];
  #isHedged = false;
  /** What a second request failed with while the first one was in flight. */
  #heldBack: { readonly error: unknown } | undefined;

  constructor(hedging: Hedging, rest: Iterator<Peer>, question: Question<Answer>) {
    super();
    this.#hedging = hedging;
    this.#rest = rest;
    this.#question = question;
  }

  start(): void {
    const { signal } = this.#question;
    this.#hedging.options.budget.earn();
    signal.addEventListener("abort", this.#onAbort, { once: true });
    if (signal.aborted) this.#onAbort();
    else this.#askNext();
  }

  override onDue(): void {
    if (!this.#hedging.options.budget.spend()) return;
    this.#hedging.options.counters.hedges++;
    this.#isHedged = true;
    this.#askNext({ isHedge: true });
  }

  #askNext({ isHedge } = { isHedge: false }): void {
    const question = this.#question;
    try {
      const { done, value } = this.#rest.next();
      const peer = done ? undefined : value;
      const attempt = { peer, isHedge, startedAtMs: this.#hedging.options.clock.now() };
      this.#underWay.push(attempt);
      const waiter: Waiter<Answer> = {
        resolve: (answer) => this.#onAnswer(attempt, answer),
        reject: (error) => this.#onError(attempt, error),
      };
      if (peer === undefined) deliver(question.askSelf(this.#end), waiter);
      else question.askPeer(peer, this.#end, waiter);
      // No one comes after this process. A peer may have refused at once.
      const mayHedge = peer !== undefined && !this.#isHedged && this.#underWay.includes(attempt);
      if (mayHedge) this.#waitFor(peer);
    } catch (error) {
      this.#fail(error);
    }
  }

  #waitFor(peer: Peer): void {
    const { latencies, overdue } = this.#hedging.of(peer);
    const { p99Ms } = latencies;
    if (p99Ms !== undefined) overdue.add(this, p99Ms);
  }

  #onAnswer(attempt: Attempt, answer: Answer): void {
    if (this.#isOver) return;
    this.#hasAnswered(attempt);
    this.#finish(attempt);
    this.#question.onAnswer(answer, attempt.peer);
  }

  #onError(attempt: Attempt, error: unknown): void {
    if (this.#isOver) return;
    const { peer, isHedge } = attempt;
    if (peer !== undefined && isPeerFailure(error)) {
      this.#remove(attempt);
      this.#question.onPeerFailure(peer, error);
      // The next process has been asked already.
      if (this.#underWay.length > 0) return;
      this.queue?.remove(this);
      if (this.#heldBack === undefined) this.#askNext();
      else this.#fail(this.#heldBack.error);
      return;
    }
    this.#hasAnswered(attempt);
    if (isHedge && this.#underWay.length > 0 && !isNotFound(error)) {
      this.#heldBack = { error };
      return;
    }
    this.#finish(attempt);
    this.#question.onError(error);
  }

  #onAbort = (): void => this.#fail(this.#question.signal.reason);

  #fail(reason: unknown): void {
    this.#finish(undefined, reason);
    this.#question.onError(reason);
  }

  /** @param reason Why the requests still in flight end. */
  #finish(winner: Attempt | undefined, reason?: unknown): void {
    this.#isOver = true;
    this.queue?.remove(this);
    this.#question.signal.removeEventListener("abort", this.#onAbort);
    this.#rest.return?.();
    if (winner?.isHedge) this.#hedging.options.counters.hedgesWon++;
    if (this.#underWay.length === 0) return;
    for (const attempt of this.#underWay) this.#hasNotAnswered(attempt);
    this.#end.abort(reason ?? new DOMException("Another process answered first", "AbortError"));
  }

  #hasAnswered(attempt: Attempt): void {
    this.#remove(attempt);
    const nowMs = this.#hedging.options.clock.now();
    if (attempt.peer === undefined) return;
    this.#hedging.of(attempt.peer).latencies.record(nowMs - attempt.startedAtMs, nowMs);
  }

  /**
   * How long the answer would have taken is unknown. If it was overdue already, the time so far is
   * recorded; otherwise a peer whose slow answers are never awaited would seem quicker than it is. If
   * not, it says nothing.
   */
  #hasNotAnswered({ peer, startedAtMs }: Attempt): void {
    if (peer === undefined) return;
    const { latencies } = this.#hedging.of(peer);
    const nowMs = this.#hedging.options.clock.now();
    const ms = nowMs - startedAtMs;
    if (ms >= (latencies.p99Ms ?? Infinity)) latencies.record(ms, nowMs);
  }

  #remove(attempt: Attempt): void {
    this.#underWay.splice(this.#underWay.indexOf(attempt), 1);
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof GroupCacheError && error.code === "not-found";
}
