import type { EncodedValue, Peer, PeerCallOptions } from "../peer/peer.ts";
import type { Cancellation } from "../timing/cancellation.ts";
import type { Waiter } from "../timing/waiter.ts";
import { startSpan, type TraceParent, type Tracer, type TraceSpan } from "../tracer.ts";
import { ChangeTrace } from "./change_trace.ts";
import { GetManyTrace } from "./get_many_trace.ts";
import { endingWaiter, type GetTrace } from "./get_trace.ts";

/** Makes the spans of a group's gets and changes, and of the calls of peers below them. */
export class GroupSpans {
  #tracer: Tracer;
  #group: string;

  constructor(tracer: Tracer, group: string) {
    this.#tracer = tracer;
    this.#group = group;
  }

  /** Starts the span of a `get`. */
  get(key: string, { isShared }: { isShared: boolean }): GetTrace {
    const group = this.#group;
    const span = startSpan(this.#tracer, { operation: "get", group, keys: [key], isShared });
    return {
      span,
      ask: (peer, key, options, waiter) => {
        const peerSpan = this.#startPeer(peer, [key], span);
        const ending = endingWaiter(peerSpan, waiter, options.signal);
        this.#askWithin(peerSpan, peer, key, options, ending);
      },
      follow: (waiter, signal) => endingWaiter(span, waiter, signal),
    };
  }

  /** Prepares the span of a `getMany`, which starts with the first key that is not in memory. */
  getMany(keys: readonly string[]): GetTrace {
    return new GetManyTrace({
      start: () => startSpan(this.#tracer, { operation: "getMany", group: this.#group, keys }),
      startPeer: (peer, parent) => this.#startPeer(peer, [], parent),
      ask: (span, peer, key, options, waiter) => this.#askWithin(span, peer, key, options, waiter),
    });
  }

  /** Makes a change in a span. */
  change(
    operation: "set" | "remove",
    key: string,
    signal: Cancellation,
    work: (trace: ChangeTrace) => Promise<void>,
  ): Promise<void> {
    const span = startSpan(this.#tracer, { operation, group: this.#group, keys: [key] });
    return new ChangeTrace({
      span,
      signal,
      startPeer: (peer) => this.#startPeer(peer, [key], span),
    }).run(work);
  }

  /** Looks into the memory of a peer for what is about to be loaded. */
  peek(
    peer: Peer,
    key: string,
    parent: TraceParent,
    options: PeerCallOptions,
  ): Promise<EncodedValue> {
    const span = startSpan(this.#tracer, {
      operation: "peek",
      group: this.#group,
      keys: [key],
      peer: peer.url,
      parent,
    });
    const waiter = Promise.withResolvers<EncodedValue>();
    const ending = endingWaiter(span, waiter, options.signal);
    this.#askWithin(span, peer, key, options, ending);
    return waiter.promise;
  }

  /** The spans that a runtime makes of requests then belong to it. */
  #askWithin(
    span: TraceSpan,
    peer: Peer,
    key: string,
    options: PeerCallOptions,
    waiter: Waiter<EncodedValue>,
  ): void {
    const { traceparent } = span;
    span.run(() => peer.request(this.#group, key, { ...options, traceparent }, waiter));
  }

  #startPeer({ url }: Peer, keys: readonly string[], parent: TraceSpan): TraceSpan {
    return startSpan(this.#tracer, {
      operation: "peer",
      group: this.#group,
      keys,
      peer: url,
      parent,
    });
  }
}
