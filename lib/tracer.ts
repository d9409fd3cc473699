/**
 * Where a span belongs: below a span of this process, or, given as a W3C `traceparent`, below one of
 * another process.
 *
 * @example
 * ```ts
 * import type { TraceParent } from "@groupcache/groupcache";
 *
 * const _parent: TraceParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
 * ```
 */
export type TraceParent = TraceSpan | string;

/**
 * What a span is about.
 *
 * @example
 * ```ts
 * import type { SpanDetails } from "@groupcache/groupcache";
 *
 * const _details: SpanDetails = { operation: "get", group: "users", keys: ["42"] };
 * ```
 */
export interface SpanDetails {
  /**
   * A `get` or `getMany` that misses in memory, a `set`, a `remove`, a call of a peer, a look into the
   * memory of a previous owner before a load, or a run of `load` or `loadMany`.
   */
  readonly operation: "get" | "getMany" | "set" | "remove" | "peer" | "peek" | "load" | "loadMany";
  /** The name of the group. */
  readonly group: string;
  /** The keys that it is about. */
  readonly keys: readonly string[];
  /** The base URL of the peer that is called. */
  readonly peer?: string;
  /** Whether a `get` joins one for the same key. */
  readonly isShared?: boolean;
  /** Where it belongs; undefined: where it is started. */
  readonly parent?: TraceParent;
  /** Where else it belongs: one `loadMany` may serve several callers. */
  readonly links?: readonly TraceParent[];
}

/**
 * How what a span is about ended.
 *
 * @example
 * ```ts
 * import type { SpanOutcome } from "@groupcache/groupcache";
 *
 * const _outcome: SpanOutcome = { source: "load", valueBytes: 1024 };
 * ```
 */
export interface SpanOutcome {
  /** Where the value came from, as in `stats().answers`; `notFound` of a peek: it was not there. */
  readonly source?: "peer" | "handoff" | "load" | "notFound" | "aborted";
  /** The length of the value, in bytes. */
  readonly valueBytes?: number;
  /** Why it failed. */
  readonly error?: unknown;
}

/**
 * A span of a {@linkcode Tracer}.
 *
 * @example
 * ```ts
 * import type { TraceSpan } from "@groupcache/groupcache";
 *
 * const _span: TraceSpan = {
 *   traceparent: undefined,
 *   run: (work) => work(),
 *   end: ({ source }) => console.log(source),
 * };
 * ```
 */
export interface TraceSpan {
  /** What a peer is told of it, if it is recorded: a W3C `traceparent`. */
  readonly traceparent: string | undefined;
  /** Calls `work`, in which the span is the active one. */
  run<Result>(work: () => Result): Result;
  /** Ends it. The first call counts. */
  end(outcome: SpanOutcome): void;
}

/**
 * Makes spans of what takes time. `./metrics` has one for OpenTelemetry.
 *
 * @example
 * ```ts
 * import { GroupCache, type Tracer } from "@groupcache/groupcache";
 *
 * const tracer: Tracer = {
 *   start: ({ operation, group, keys }) => {
 *     console.time(`${operation} ${group} ${keys}`);
 *     return {
 *       traceparent: undefined,
 *       run: (work) => work(),
 *       end: () => console.timeEnd(`${operation} ${group} ${keys}`),
 *     };
 *   },
 *   detach: (work) => work(),
 * };
 * await using _cache = new GroupCache({ tracer });
 * ```
 */
export interface Tracer {
  /** Starts a span. */
  start(details: SpanDetails): TraceSpan;
  /** Calls `work` with no span active: it outlasts what it is called in. */
  detach<Result>(work: () => Result): Result;
}

/** Calls `work`, detached from the active span if there is a tracer. */
export function detached<Result>(tracer: Tracer | undefined, work: () => Result): Result {
  return tracer === undefined ? work() : tracer.detach(work);
}

/** Takes the place of a span that could not be started. */
const NO_SPAN: TraceSpan = { traceparent: undefined, run: (work) => work(), end: () => {} };

/** Starts a span. A tracer that throws must not fail a get. */
export function startSpan(tracer: Tracer, details: SpanDetails): TraceSpan {
  try {
    return tracer.start(details);
  } catch {
    return NO_SPAN;
  }
}

/** Ends a span, likewise: its processors and exporters may throw. */
export function endSpan(span: Pick<TraceSpan, "end">, outcome: SpanOutcome): void {
  try {
    span.end(outcome);
  } catch {
    // As above.
  }
}
