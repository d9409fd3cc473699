import { GroupCacheError } from "../errors.ts";
import { endSpan, type SpanOutcome, startSpan, type TraceParent, type Tracer } from "../tracer.ts";

/** What a loader is called with. */
interface Context {
  readonly signal: AbortSignal;
}

/** A loader: `load` or `loadMany`. */
type Run<What, C, Result> = (what: What, context: C) => Result | Promise<Result>;

/**
 * Makes the spans of a group's loads, in which the loader runs, so that its own spans belong to them. A
 * load that waits for its turn starts later, and not always where it was asked for; so where its span
 * belongs is remembered by its context.
 */
export class LoadSpans {
  #tracer: Tracer;
  #group: () => string;
  #parents = new WeakMap<Context, readonly TraceParent[]>();

  constructor(tracer: Tracer, group: () => string) {
    this.#tracer = tracer;
    this.#group = group;
  }

  /** Records where the span of a load belongs. Without this it has none. */
  note(context: Context, parent: TraceParent): void {
    this.#parents.set(context, [parent]);
  }

  /** Records that loads are done together. */
  gather(context: Context, contexts: readonly Context[]): void {
    const parents = new Set(contexts.flatMap((each) => this.#parents.get(each) ?? []));
    if (parents.size > 0) this.#parents.set(context, [...parents]);
  }

  /** Wraps a loader so that it runs in a span. */
  wrap<What extends string | readonly string[], C extends Context, Result>(
    load: Run<What, C, Result>,
  ): Run<What, C, Result> {
    return (what, context) => {
      const parents = this.#parents.get(context);
      return parents === undefined
        ? load(what, context)
        : this.#run(what, context.signal, parents, () => load(what, context));
    };
  }

  async #run<Result>(
    what: string | readonly string[],
    signal: AbortSignal,
    [parent, ...links]: readonly TraceParent[],
    load: () => Result | Promise<Result>,
  ): Promise<Result> {
    const isOne = typeof what === "string";
    const span = startSpan(this.#tracer, {
      operation: isOne ? "load" : "loadMany",
      group: this.#group(),
      keys: isOne ? [what] : what,
      ...(parent !== undefined && { parent }),
      links,
    });
    // A loader that ignores its signal may never settle.
    const onAbort = (): void => endSpan(span, outcomeOfAbort(signal.reason));
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      const result = await span.run(load);
      endSpan(span, result === undefined ? { source: "notFound" } : {});
      return result;
    } catch (error) {
      endSpan(span, outcomeOf(error));
      throw error;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }
}

/** A load ends early because it takes too long, the cache is closed, or the last caller has left. */
function outcomeOfAbort(reason: unknown): SpanOutcome {
  return reason instanceof GroupCacheError ? { error: reason } : { source: "aborted" };
}

function outcomeOf(error: unknown): SpanOutcome {
  const isMissing = error instanceof GroupCacheError && error.code === "not-found";
  return isMissing ? { source: "notFound" } : { error };
}
