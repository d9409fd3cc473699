import type { EncodedValue, Peer, PeerCallOptions } from "../peer/peer.ts";
import type { Cancellation } from "../timing/cancellation.ts";
import type { Waiter } from "../timing/waiter.ts";
import type { SpanOutcome, TraceSpan } from "../tracer.ts";
import { endingWaiter, type GetTrace } from "./get_trace.ts";

/** A span that several keys share. It ends with the last of them. */
class SharedSpan {
  readonly span: TraceSpan;
  #pending = 0;
  #valueBytes = 0;
  #error: unknown;

  constructor(span: TraceSpan) {
    this.span = span;
  }

  get isPending(): boolean {
    return this.#pending > 0;
  }

  follow<Value extends EncodedValue>(
    waiter: Waiter<Value>,
    signal: Cancellation | undefined,
  ): Waiter<Value> {
    this.#pending++;
    return endingWaiter({ end: (outcome) => this.#settled(outcome) }, waiter, signal);
  }

  #settled({ valueBytes = 0, error }: SpanOutcome): void {
    this.#valueBytes += valueBytes;
    this.#error ??= error;
    if (--this.#pending > 0) return;
    const valueBytesOfAll = this.#valueBytes;
    this.span.end(
      this.#error === undefined ? { valueBytes: valueBytesOfAll } : { error: this.#error },
    );
  }
}

/**
 * The trace of a `getMany`: one span for the keys that are not in memory, and one below it for each peer
 * that is asked, however many keys there are.
 */
export class GetManyTrace implements GetTrace {
  #options: GetManyTraceOptions;
  #all: SharedSpan | undefined;
  #peers = new Map<Peer, SharedSpan>();

  constructor(options: GetManyTraceOptions) {
    this.#options = options;
  }

  get span(): TraceSpan {
    return this.#shared.span;
  }

  /** Started by the first key that is not in memory. */
  get #shared(): SharedSpan {
    return this.#all ??= new SharedSpan(this.#options.start());
  }

  ask(peer: Peer, key: string, options: PeerCallOptions, waiter: Waiter<EncodedValue>): void {
    let shared = this.#peers.get(peer);
    if (!shared?.isPending) {
      shared = new SharedSpan(this.#options.startPeer(peer, this.span));
      this.#peers.set(peer, shared);
    }
    this.#options.ask(shared.span, peer, key, options, shared.follow(waiter, options.signal));
  }

  follow<Value extends EncodedValue>(
    waiter: Waiter<Value>,
    signal: Cancellation | undefined,
  ): Waiter<Value> {
    return this.#shared.follow(waiter, signal);
  }
}

/** Options for {@linkcode GetManyTrace}. */
export interface GetManyTraceOptions {
  /** Starts the span of all keys. */
  start: () => TraceSpan;
  /** Starts the span of the calls of a peer. */
  startPeer: (peer: Peer, parent: TraceSpan) => TraceSpan;
  /** Asks a peer for a key, within a span. */
  ask: (
    span: TraceSpan,
    peer: Peer,
    key: string,
    options: PeerCallOptions,
    waiter: Waiter<EncodedValue>,
  ) => void;
}
