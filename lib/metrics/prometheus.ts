import { LATENCY_BOUNDS_MS, type LatencyStats } from "../stats/latency_histogram.ts";
import type { AnswerCounts, CacheStats, GroupCacheStats, GroupStats, PeerStats } from "../stats.ts";

/**
 * The media type of the text that {@linkcode prometheusText} returns.
 *
 * @example
 * ```ts
 * import { GroupCache } from "@groupcache/groupcache";
 * import { PROMETHEUS_TYPE, prometheusText } from "@groupcache/groupcache/metrics";
 *
 * await using cache = new GroupCache();
 * const headers = { "content-type": PROMETHEUS_TYPE };
 * const _response = new Response(prometheusText(cache.stats()), { headers });
 * ```
 */
export const PROMETHEUS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** The upper bounds exported, in milliseconds: a subset, because monitoring systems charge per series. */
// deno-fmt-ignore -- a table
const TOLD_BOUNDS_MS = [
  0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 25_000,
];

interface Family<Of> {
  name: string;
  type: "counter" | "gauge";
  help: string;
  value: (of: Of) => number | null;
}

const GROUP: Family<GroupStats>[] = [
  counter("loads_total", "Gets that missed in memory", (of) => of.loads),
  counter("loads_deduped_total", "Loads after sharing", (of) => of.loadsExecuted),
  counter("local_load_total", "Loads in this process", (of) => of.localLoads),
  counter("local_load_errs_total", "Failed loads in this process", (of) => of.localLoadErrors),
  counter("peer_loads_total", "Values received from peers", (of) => of.peerLoads),
  counter("peer_errors_total", "Requests that failed because of a peer", (of) => of.peerErrors),
  counter("server_requests_total", "Requests for a key from peers", (of) => of.serverRequests),
  counter(
    "hot_requests_total",
    "Requests from peers for keys hot enough to mirror",
    (of) => of.hotServerRequests,
  ),
  counter("mirrored_total", "Values of other processes mirrored here", (of) => of.mirrored),
  counter("peek_loads_total", "Loads saved by values of a previous owner", (of) => of.peekLoads),
  counter("handoffs_total", "Values transferred by leaving processes", (of) => of.handoffs),
  counter(
    "hedges_total",
    "Hedged requests: second requests while the first was overdue",
    (of) => of.hedges,
  ),
  counter("hedges_won_total", "Hedged requests whose answer was used", (of) => of.hedgesWon),
  gauge("max_bytes", "Memory that the group may take", (of) => of.maxBytes),
];

const CACHE: Family<CacheStats>[] = [
  gauge("cache_bytes", "Memory in use", (of) => of.bytes),
  gauge("cache_payload_bytes", "Bytes of keys and values", (of) => of.payloadBytes),
  gauge("cache_items", "Entries held", (of) => of.items),
  counter("cache_gets_total", "Lookups", (of) => of.gets),
  counter("cache_hits_total", "Lookups that found an entry", (of) => of.hits),
  counter("cache_evictions_nonexpired_total", "Entries dropped to make room", (of) => of.evictions),
  counter("cache_expired_total", "Entries dropped because they had expired", (of) => of.expired),
  counter(
    "cache_refused_total",
    "Values not cached because they were too large",
    (of) => of.refused,
  ),
];

const PEER: Family<PeerStats>[] = [
  gauge("peer_up", "Whether the peer is up", ({ state }) => Number(isUp(state))),
  gauge(
    "peer_state_since_seconds",
    "When the state of the peer last changed, in Unix time",
    (of) => of.sinceMs / 1000,
  ),
  counter("peer_calls_total", "Gets sent to the peer", (of) => of.calls),
  counter("peer_failures_total", "Gets that failed because of the peer", (of) => of.failures),
  gauge("peer_p50_seconds", "Median latency of recent responses", inSeconds("p50Ms")),
  gauge(
    "peer_p99_seconds",
    "99th percentile of the latency of recent responses",
    inSeconds("p99Ms"),
  ),
  gauge("peer_mismatches", "Disagreements with the peer", (of) => of.mismatches.length),
];

/** Keys of {@linkcode AnswerCounts} and their labels. */
const SOURCES: [keyof AnswerCounts, string][] = [
  ["main", "main"],
  ["mirror", "mirror"],
  ["peer", "peer"],
  ["handoff", "handoff"],
  ["load", "load"],
  ["notFound", "not_found"],
  ["error", "error"],
  ["aborted", "aborted"],
];

const HISTOGRAMS: [keyof GroupStats["latencies"], string, string][] = [
  ["get", "get_duration_seconds", "Gets of the application; hits count as 0"],
  ["peer", "peer_duration_seconds", "Responses of peers to gets of this process"],
  ["load", "load_duration_seconds", "Runs of the loader"],
];

/**
 * Formats the counters of a cache in Prometheus's text format. Names begin with `groupcache_` and match
 * those of exporters for mailgun/groupcache where the meaning is the same.
 *
 * @example
 * ```ts
 * import { GroupCache } from "@groupcache/groupcache";
 * import { PROMETHEUS_TYPE, prometheusText } from "@groupcache/groupcache/metrics";
 *
 * const cache = new GroupCache();
 * const serve = cache.handler((request) =>
 *   new URL(request.url).pathname === "/metrics"
 *     ? new Response(prometheusText(cache.stats()), { headers: { "content-type": PROMETHEUS_TYPE } })
 *     : new Response("Hello")
 * );
 * ```
 */
export function prometheusText(stats: GroupCacheStats): string {
  const groups = Object.entries(stats.groups)
    .map(([name, group]) => ({ labels: label("group", name), group }));
  const peers = stats.peers.map((peer) => ({ labels: label("peer", peer.url), peer }));
  let text = head("info", "gauge", "Identity of this process") +
    line("info", `${label("self", stats.self ?? "")},${label("placement", stats.placement)}`, 1) +
    head("start_time_seconds", "gauge", "When the cache was created, in Unix time") +
    `groupcache_start_time_seconds ${stats.startedAtMs / 1000}\n`;

  text += head("gets_total", "counter", "Answered gets, by caller and source");
  for (const { labels, group } of groups) {
    text += answers(`${labels},caller="app"`, group.answers) +
      answers(`${labels},caller="peer"`, group.peerAnswers);
  }
  for (const { name, type, help, value } of GROUP) {
    text += head(name, type, help);
    for (const { labels, group } of groups) text += line(name, labels, value(group));
  }
  for (const { name, type, help, value } of CACHE) {
    text += head(name, type, help);
    for (const { labels, group } of groups) {
      text += line(name, `${labels},type="main"`, value(group.main)) +
        line(name, `${labels},type="hot"`, value(group.hot));
    }
  }
  for (const [key, name, help] of HISTOGRAMS) {
    text += head(name, "histogram", help);
    for (const { labels, group } of groups) text += histogram(name, labels, group.latencies[key]);
  }
  for (const { name, type, help, value } of PEER) {
    text += head(name, type, help);
    for (const { labels, peer } of peers) text += line(name, labels, value(peer));
  }
  return text;
}

function counter<Of>(name: string, help: string, value: Family<Of>["value"]): Family<Of> {
  return { name, type: "counter", help, value };
}

function gauge<Of>(name: string, help: string, value: Family<Of>["value"]): Family<Of> {
  return { name, type: "gauge", help, value };
}

function isUp(state: PeerStats["state"]): boolean {
  return state === "up" || state === "unknown";
}

function inSeconds(key: "p50Ms" | "p99Ms"): (peer: PeerStats) => number | null {
  return ({ [key]: ms }) => ms === null ? null : ms / 1000;
}

function head(name: string, type: string, help: string): string {
  return `# HELP groupcache_${name} ${help}.\n# TYPE groupcache_${name} ${type}\n`;
}

function line(name: string, labels: string, value: number | null): string {
  return value === null ? "" : `groupcache_${name}{${labels}} ${value}\n`;
}

function label(name: string, value: string): string {
  const escaped = value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
  return `${name}="${escaped}"`;
}

function answers(labels: string, counts: AnswerCounts): string {
  let text = "";
  for (const [key, source] of SOURCES) {
    text += line("gets_total", `${labels},source="${source}"`, counts[key]);
  }
  return text;
}

function histogram(name: string, labels: string, { count, sumMs, buckets }: LatencyStats): string {
  let text = "";
  let cumulated = 0;
  let told = 0;
  for (const [index, bound] of LATENCY_BOUNDS_MS.entries()) {
    cumulated += buckets[index] as number;
    if (bound !== TOLD_BOUNDS_MS[told]) continue;
    text += line(`${name}_bucket`, `${labels},le="${bound / 1000}"`, cumulated);
    told++;
  }
  return text + line(`${name}_bucket`, `${labels},le="+Inf"`, count) +
    line(`${name}_sum`, labels, sumMs / 1000) +
    line(`${name}_count`, labels, count);
}
