import { GroupCacheError, messageOf } from "../errors.ts";
import type { SpanDetails, SpanOutcome, TraceParent, Tracer, TraceSpan } from "../tracer.ts";

/** How many keys of a span are recorded, and how many characters of each. */
const MAX_KEYS = 32;
const MAX_KEY_LENGTH = 256;

/** Values of OpenTelemetry's enums. */
const INTERNAL = 0;
const CLIENT = 2;
const ERROR = 2;
const SAMPLED = 1;

/** The first of a list: a runtime that traces its requests, as Deno does, adds its own to a header. */
const TRACEPARENT =
  /^00-(?<traceId>(?!0{32})[0-9a-f]{32})-(?<spanId>(?!0{16})[0-9a-f]{16})-(?<flags>[0-9a-f]{2})(,|$)/;

/**
 * As `SpanContext` of `@opentelemetry/api`: what identifies a span.
 *
 * @example
 * ```ts
 * import type { OpenTelemetrySpanContext } from "@groupcache/groupcache/metrics";
 *
 * const _context: OpenTelemetrySpanContext = {
 *   traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
 *   spanId: "00f067aa0ba902b7",
 *   traceFlags: 1,
 * };
 * ```
 */
export interface OpenTelemetrySpanContext {
  /** 16 bytes, in hexadecimal digits. */
  readonly traceId: string;
  /** 8 bytes, in hexadecimal digits. */
  readonly spanId: string;
  /** 1 if the trace is sampled. */
  readonly traceFlags: number;
  /** Whether the span is one of another process. */
  readonly isRemote?: boolean;
}

/**
 * The part of `@opentelemetry/api`'s `Span` that is used.
 *
 * @example
 * ```ts
 * import { trace } from "@opentelemetry/api";
 * import type { OpenTelemetrySpan } from "@groupcache/groupcache/metrics";
 *
 * const _span: OpenTelemetrySpan = trace.getTracer("my-app").startSpan("work");
 * ```
 */
export interface OpenTelemetrySpan {
  /** Returns what identifies it. */
  spanContext(): OpenTelemetrySpanContext;
  /** Adds what is known of it. */
  setAttribute(name: string, value: string | number | boolean): unknown;
  /** Says whether it failed. */
  setStatus(status: { code: number; message: string }): unknown;
  /** Ends it. */
  end(): void;
}

/**
 * The part of `@opentelemetry/api` that is used; its module fits.
 *
 * @example
 * ```ts
 * import * as api from "@opentelemetry/api";
 * import type { OpenTelemetryApi } from "@groupcache/groupcache/metrics";
 *
 * const _api: OpenTelemetryApi<api.Context> = api;
 * ```
 */
export interface OpenTelemetryApi<Context> {
  /** Its `trace`. */
  readonly trace: {
    getTracer(name: string): {
      startSpan(
        name: string,
        options: {
          kind: number;
          attributes: Record<string, string | number | boolean | string[]>;
          links: { context: OpenTelemetrySpanContext }[];
        },
        context: Context,
      ): OpenTelemetrySpan;
    };
    // deno-lint-ignore no-explicit-any -- a span of this API
    setSpan(context: Context, span: any): Context;
    setSpanContext(context: Context, spanContext: OpenTelemetrySpanContext): Context;
    getSpanContext(context: Context): OpenTelemetrySpanContext | undefined;
    deleteSpan(context: Context): Context;
  };
  /** Its `context`. */
  readonly context: {
    active(): Context;
    with<Result>(context: Context, work: () => Result): Result;
  };
}

/**
 * Makes spans by OpenTelemetry, for the option `tracer`. A `get` from memory makes none, and costs
 * nothing. A trace goes on in the process that is asked, if it is sampled; and a loader runs in the span of
 * its load, so that those of its queries belong to it.
 *
 * | name                   | kind     | of                                                              |
 * | ---------------------- | -------- | --------------------------------------------------------------- |
 * | `cache.get <group>`    | internal | a `get` whose key is not in memory                              |
 * | `cache.getMany <group>`| internal | a `getMany`, if any of its keys are not in memory               |
 * | `cache.set <group>`    | internal | a `set`                                                         |
 * | `cache.remove <group>` | internal | a `remove`                                                      |
 * | `cache.peer <group>`   | client   | a call of a peer: for a key, for those of a `getMany`, or to tell it of a change |
 * | `cache.peek <group>`   | client   | a look into the memory of a previous owner, before a load       |
 * | `cache.load <group>`   | internal | a run of `load`                                                 |
 * | `cache.loadMany <group>` | internal | a run of `loadMany`, linked to the other traces that wait for it |
 *
 * Attributes are named as by Sentry, for want of a convention of OpenTelemetry's: `cache.operation`,
 * `cache.key` (up to 32 keys), `cache.hit` (false: not in this process's memory) and `cache.item_size` (in
 * bytes). Beside these there are `groupcache.group`, `groupcache.source` (where a value came from, as in
 * `stats().answers`), `groupcache.shared` (whether a `get` joined another one), `server.address`,
 * `server.port` and `error.type` (a code of `GroupCacheError`).
 *
 * @example
 * ```ts
 * import { context, trace } from "@opentelemetry/api";
 * import { GroupCache } from "@groupcache/groupcache";
 * import { openTelemetryTracer } from "@groupcache/groupcache/metrics";
 *
 * await using _cache = new GroupCache({ tracer: openTelemetryTracer({ context, trace }) });
 * ```
 */
export function openTelemetryTracer<Context>(api: OpenTelemetryApi<Context>): Tracer {
  const { trace, context } = api;
  const tracer = trace.getTracer("@groupcache/groupcache");

  const contextOf = (parent: TraceParent | undefined): Context => {
    const active = context.active();
    if (parent === undefined) return active;
    if (parent instanceof Span) return trace.setSpan(active, parent.span);
    const remote = remoteOf(parent);
    if (remote === undefined) return trace.deleteSpan(active);
    // The runtime or a framework may have made a span for the request of the peer, below the same one.
    if (trace.getSpanContext(active)?.traceId === remote.traceId) return active;
    return trace.setSpanContext(active, remote);
  };

  class Span implements TraceSpan {
    readonly span: OpenTelemetrySpan;
    readonly #context: Context;
    #hasEnded = false;

    constructor(details: SpanDetails) {
      const { operation, group, peer, parent, links = [] } = details;
      const above = contextOf(parent);
      const kind = peer === undefined ? INTERNAL : CLIENT;
      const options = { kind, attributes: attributesOf(details), links: links.flatMap(linkOf) };
      this.span = tracer.startSpan(`cache.${operation} ${group}`, options, above);
      this.#context = trace.setSpan(above, this.span);
    }

    get traceparent(): string | undefined {
      const { traceId, spanId, traceFlags } = this.span.spanContext();
      if ((traceFlags & SAMPLED) === 0) return undefined;
      return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
    }

    run<Result>(work: () => Result): Result {
      return context.with(this.#context, work);
    }

    end({ source, valueBytes, error }: SpanOutcome): void {
      if (this.#hasEnded) return;
      this.#hasEnded = true;
      const { span } = this;
      if (source !== undefined) span.setAttribute("groupcache.source", source);
      if (valueBytes !== undefined) span.setAttribute("cache.item_size", valueBytes);
      if (error !== undefined) {
        const type = error instanceof GroupCacheError ? error.code : nameOf(error);
        span.setAttribute("error.type", type);
        span.setStatus({ code: ERROR, message: messageOf(error) });
      }
      span.end();
    }
  }

  const linkOf = (parent: TraceParent): { context: OpenTelemetrySpanContext }[] => {
    const linked = parent instanceof Span ? parent.span.spanContext() : remoteOf(String(parent));
    return linked === undefined ? [] : [{ context: linked }];
  };

  return {
    start: (details) => new Span(details),
    detach: (work) => context.with(trace.deleteSpan(context.active()), work),
  };
}

function remoteOf(traceparent: TraceParent): OpenTelemetrySpanContext | undefined {
  const { traceId, spanId, flags } = TRACEPARENT.exec(String(traceparent))?.groups ?? {};
  if (traceId === undefined || spanId === undefined) return undefined;
  return { traceId, spanId, traceFlags: Number(`0x${flags}`), isRemote: true };
}

function attributesOf(
  { operation, group, keys, peer, isShared }: SpanDetails,
): Record<string, string | number | boolean | string[]> {
  const url = peer === undefined ? undefined : new URL(peer);
  const isGet = operation === "get";
  return {
    "cache.operation": operation,
    "groupcache.group": group,
    ...(keys.length > 0 && { "cache.key": keys.slice(0, MAX_KEYS).map(cut) }),
    ...(isGet && { "cache.hit": false }),
    ...(isShared && { "groupcache.shared": true }),
    ...(url && { "server.address": url.hostname, "server.port": portOf(url) }),
  };
}

function cut(key: string): string {
  return key.length > MAX_KEY_LENGTH ? key.slice(0, MAX_KEY_LENGTH).toWellFormed() : key;
}

function portOf({ port, protocol }: URL): number {
  return Number(port) || (protocol === "https:" ? 443 : 80);
}

function nameOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.name : "Error";
}
