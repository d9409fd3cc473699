/**
 * Metrics for monitoring systems, in Prometheus's text format or by OpenTelemetry, and traces by the latter.
 *
 * @example
 * ```ts
 * import { GroupCache } from "@groupcache/groupcache";
 * import { prometheusText } from "@groupcache/groupcache/metrics";
 *
 * await using cache = new GroupCache();
 * console.log(prometheusText(cache.stats()));
 * ```
 *
 * @module
 */

export { observeMetrics } from "./opentelemetry.ts";
export type {
  MetricAttributes,
  MetricMeter,
  MetricOptions,
  MetricResult,
} from "./opentelemetry.ts";
export { openTelemetryTracer } from "./opentelemetry_tracer.ts";
export type {
  OpenTelemetryApi,
  OpenTelemetrySpan,
  OpenTelemetrySpanContext,
} from "./opentelemetry_tracer.ts";
export type { SpanDetails, SpanOutcome, TraceParent, Tracer, TraceSpan } from "../tracer.ts";
export { PROMETHEUS_TYPE, prometheusText } from "./prometheus.ts";
