import type { GroupCacheStats } from "../stats.ts";

/**
 * As `Attributes` of `@opentelemetry/api`.
 *
 * @example
 * ```ts
 * import type { MetricAttributes } from "@groupcache/groupcache/metrics";
 *
 * const _attributes: MetricAttributes = { group: "pages", caller: "app", source: "main" };
 * ```
 */
export type MetricAttributes = Record<string, string | number | boolean>;

/**
 * The part of `@opentelemetry/api`'s `BatchObservableResult` that is used.
 *
 * @example
 * ```ts
 * import type { MetricResult } from "@groupcache/groupcache/metrics";
 *
 * const _printing: MetricResult<string> = {
 *   observe: (name, value, attributes) => console.log(name, value, attributes),
 * };
 * ```
 */
export interface MetricResult<Observable> {
  /** Reports the value of an observable, with what it is about. */
  observe(observable: Observable, value: number, attributes?: MetricAttributes): void;
}

/**
 * The part of `@opentelemetry/api`'s `Meter` that is used: any meter of that package fits.
 *
 * @example A meter without a library
 * ```ts
 * import { GroupCache } from "@groupcache/groupcache";
 * import { observeMetrics } from "@groupcache/groupcache/metrics";
 * import type { MetricMeter, MetricResult } from "@groupcache/groupcache/metrics";
 * import { assertEquals } from "@std/assert";
 *
 * const callbacks = new Set<(result: MetricResult<string>) => void>();
 * const meter: MetricMeter<string> = {
 *   createObservableCounter: (name) => name,
 *   createObservableGauge: (name) => name,
 *   addBatchObservableCallback: (callback) => callbacks.add(callback),
 *   removeBatchObservableCallback: (callback) => callbacks.delete(callback),
 * };
 *
 * await using cache = new GroupCache();
 * cache.group("pages", { maxBytes: 1 << 20, load: () => "hello" });
 * observeMetrics(cache, meter);
 *
 * const values = new Map<string, number>();
 * callbacks.forEach((collect) => collect({ observe: (name, value) => values.set(name, value) }));
 * assertEquals(values.get("groupcache.cache.limit"), 1 << 20);
 * ```
 */
export interface MetricMeter<Observable> {
  /** Creates a counter whose value is asked for. */
  createObservableCounter(name: string, options?: MetricOptions): Observable;
  /** Creates a gauge whose value is asked for. */
  createObservableGauge(name: string, options?: MetricOptions): Observable;
  /** Has `callback` called whenever values are collected. */
  addBatchObservableCallback(
    callback: (result: MetricResult<Observable>) => void,
    observables: Observable[],
  ): void;
  /** Ends that. */
  removeBatchObservableCallback(
    callback: (result: MetricResult<Observable>) => void,
    observables: Observable[],
  ): void;
}

/**
 * As `MetricOptions` of `@opentelemetry/api`.
 *
 * @example
 * ```ts
 * import type { MetricOptions } from "@groupcache/groupcache/metrics";
 *
 * const _options: MetricOptions = { description: "Memory in use", unit: "By" };
 * ```
 */
export interface MetricOptions {
  /** What it counts. */
  description?: string;
  /** In what it counts, as in UCUM. */
  unit?: string;
}

/**
 * Lets a meter of OpenTelemetry read a cache's counters whenever it collects: reading costs nothing
 * in between. Returns what ends that.
 *
 * | name                        | attributes                             |
 * | --------------------------- | -------------------------------------- |
 * | `groupcache.gets`           | `group`, `caller`, `source`            |
 * | `groupcache.loads`          | `group`, `outcome`                     |
 * | `groupcache.peer.errors`    | `group`                                |
 * | `groupcache.cache.evictions`| `group`, `cache`                       |
 * | `groupcache.cache.expired`  | `group`, `cache`                       |
 * | `groupcache.cache.items`    | `group`, `cache`                       |
 * | `groupcache.cache.size`     | `group`, `cache`                       |
 * | `groupcache.cache.limit`    | `group`                                |
 * | `groupcache.peer.calls`     | `peer`                                 |
 * | `groupcache.peer.up`        | `peer`                                 |
 *
 * @example
 * ```ts
 * import { metrics } from "@opentelemetry/api";
 * import { GroupCache } from "@groupcache/groupcache";
 * import { observeMetrics } from "@groupcache/groupcache/metrics";
 *
 * await using cache = new GroupCache();
 * const end = observeMetrics(cache, metrics.getMeter("my-app"));
 * end();
 * ```
 */
export function observeMetrics<Observable>(
  cache: { stats(): GroupCacheStats },
  meter: MetricMeter<Observable>,
): () => void {
  const counter = (name: string, unit: string, description: string) =>
    meter.createObservableCounter(`groupcache.${name}`, { unit, description });
  const gauge = (name: string, unit: string, description: string) =>
    meter.createObservableGauge(`groupcache.${name}`, { unit, description });
  const gets = counter("gets", "{get}", "Answered gets, by caller and source");
  const loads = counter("loads", "{load}", "Runs of the loader, by outcome");
  const errors = counter("peer.errors", "{error}", "Times that a peer could not be asked");
  const evictions = counter("cache.evictions", "{entry}", "Entries dropped to make room");
  const expired = counter("cache.expired", "{entry}", "Entries dropped because they had expired");
  const items = gauge("cache.items", "{entry}", "Entries held");
  const size = gauge("cache.size", "By", "Memory in use");
  const limit = gauge("cache.limit", "By", "Memory that the group may take");
  const calls = counter("peer.calls", "{call}", "Gets sent to the peer");
  const up = gauge("peer.up", "1", "Whether the peer can be asked");
  const observables = [gets, loads, errors, evictions, expired, items, size, limit, calls, up];

  const observe = (result: MetricResult<Observable>) => {
    const { groups, peers } = cache.stats();
    for (const [group, stats] of Object.entries(groups)) {
      for (const [source, count] of Object.entries(stats.answers)) {
        result.observe(gets, count, { group, caller: "app", source });
      }
      for (const [source, count] of Object.entries(stats.peerAnswers)) {
        result.observe(gets, count, { group, caller: "peer", source });
      }
      result.observe(loads, stats.localLoads, { group, outcome: "value" });
      result.observe(loads, stats.localLoadErrors, { group, outcome: "error" });
      result.observe(errors, stats.peerErrors, { group });
      result.observe(limit, stats.maxBytes, { group });
      for (const cache of ["main", "hot"] as const) {
        result.observe(evictions, stats[cache].evictions, { group, cache });
        result.observe(expired, stats[cache].expired, { group, cache });
        result.observe(items, stats[cache].items, { group, cache });
        result.observe(size, stats[cache].bytes, { group, cache });
      }
    }
    for (const { url, state, calls: count } of peers) {
      result.observe(calls, count, { peer: url });
      result.observe(up, Number(state === "up" || state === "unknown"), { peer: url });
    }
  };
  meter.addBatchObservableCallback(observe, observables);
  return () => meter.removeBatchObservableCallback(observe, observables);
}
