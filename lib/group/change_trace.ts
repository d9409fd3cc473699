import type { Peer } from "../peer/peer.ts";
import type { Cancellation } from "../timing/cancellation.ts";
import { endSpan, type TraceSpan } from "../tracer.ts";
import { outcomeOfError } from "./get_trace.ts";

/** The trace of a `set` or `remove`: a span for it, and one below it for each peer that is told. */
export class ChangeTrace {
  #options: ChangeTraceOptions;

  constructor(options: ChangeTraceOptions) {
    this.#options = options;
  }

  /** Makes the change. */
  run(work: (trace: ChangeTrace) => Promise<void>): Promise<void> {
    const { span } = this.#options;
    return this.#follow(span, span.run(() => work(this)));
  }

  /** Tells a peer of it, which is given the `traceparent`. */
  tell<Result>(
    peer: Peer,
    call: (traceparent: string | undefined) => Promise<Result>,
  ): Promise<Result> {
    const span = this.#options.startPeer(peer);
    // The spans that a runtime makes of requests then belong to it.
    return this.#follow(span, span.run(() => call(span.traceparent)));
  }

  #follow<Result>(span: TraceSpan, done: Promise<Result>): Promise<Result> {
    const { signal } = this.#options;
    done.then(() => endSpan(span, {}), (error) => endSpan(span, outcomeOfError(error, signal)));
    return done;
  }
}

/** Options for {@linkcode ChangeTrace}. */
export interface ChangeTraceOptions {
  /** The span of the change. */
  span: TraceSpan;
  /** Ends the change. */
  signal: Cancellation;
  /** Starts the span of a call of a peer. */
  startPeer: (peer: Peer) => TraceSpan;
}
