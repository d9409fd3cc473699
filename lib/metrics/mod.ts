/**
 * Metrics for monitoring systems, in Prometheus's text format.
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

export { PROMETHEUS_TYPE, prometheusText } from "./prometheus.ts";
