import type { EncodedValue, Peer, PeerCallOptions } from "../peer/peer.ts";
import { sourceOfError } from "../stats.ts";
import type { Cancellation } from "../timing/cancellation.ts";
import type { Waiter } from "../timing/waiter.ts";
import { endSpan, type SpanOutcome, type TraceSpan } from "../tracer.ts";

/** The trace of a `get`, or of all that a `getMany` misses. */
export interface GetTrace {
  /** What is called for it belongs below this. */
  readonly span: TraceSpan;
  /** Asks a peer for a key. */
  ask(peer: Peer, key: string, options: PeerCallOptions, waiter: Waiter<EncodedValue>): void;
  /**
   * Returns a waiter that ends the span with the outcome of its key, or with the last one of its keys,
   * and passes it on.
   */
  follow<Value extends EncodedValue>(
    waiter: Waiter<Value>,
    signal: Cancellation | undefined,
  ): Waiter<Value>;
}

/** Returns a waiter that ends a span with an outcome, and passes it on. */
export function endingWaiter<Value extends EncodedValue>(
  span: Pick<TraceSpan, "end">,
  waiter: Waiter<Value>,
  signal: Cancellation | undefined,
): Waiter<Value> {
  return {
    resolve(value) {
      const { view, source = "peer" } = value;
      endSpan(span, { source, valueBytes: view.size });
      waiter.resolve(value);
    },
    reject(error) {
      endSpan(span, outcomeOfError(error, signal));
      waiter.reject(error);
    },
  };
}

/** What the span of a failed call ends with. That a value is missing, or its caller left, is no failure. */
export function outcomeOfError(error: unknown, signal: Cancellation | undefined): SpanOutcome {
  const source = sourceOfError(error, signal);
  return source === "notFound" || source === "aborted" ? { source } : { error };
}
