import type { EncodedValue, Peer, PeerCallOptions } from "../peer/peer.ts";
import { sourceOfError } from "../stats.ts";
import type { Cancellation } from "../timing/cancellation.ts";
import { endSpan, type SpanOutcome, type TraceSpan } from "../tracer.ts";

/** The trace of a `get`, or of all that a `getMany` misses. */
export interface GetTrace {
  /** What is called for it belongs below this. */
  readonly span: TraceSpan;
  /** Asks a peer for a key. */
  ask(peer: Peer, key: string, options: PeerCallOptions): Promise<EncodedValue>;
  /** Ends the span with the outcome of its key, or with the last one of its keys. */
  follow(outcome: Promise<EncodedValue>, signal: Cancellation | undefined): void;
}

/** Ends a span with an outcome. */
export function endWith(
  span: Pick<TraceSpan, "end">,
  outcome: Promise<EncodedValue>,
  signal: Cancellation | undefined,
): void {
  outcome.then(
    ({ view, source }) => endSpan(span, { source: source ?? "peer", valueBytes: view.size }),
    (error) => endSpan(span, outcomeOfError(error, signal)),
  );
}

/** What the span of a failed call ends with. That a value is missing, or its caller left, is no failure. */
export function outcomeOfError(error: unknown, signal: Cancellation | undefined): SpanOutcome {
  const source = sourceOfError(error, signal);
  return source === "notFound" || source === "aborted" ? { source } : { error };
}
