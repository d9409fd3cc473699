import {
  type AnswerCounts,
  type CacheStats,
  type GroupCacheStats,
  type GroupStats,
  newAnswerCounts,
  newCounters,
  type PeerStats,
  totalOf,
} from "../../lib/stats.ts";
import { LatencyHistogram } from "../../lib/stats/latency_histogram.ts";

/** Stats as a cache of so many groups and peers gives them, whose numbers differ from each other. */
export function sampleStats(groups: number, peers: number): GroupCacheStats {
  return {
    self: "http://10.0.0.1:8080",
    instance: "one",
    startedAtMs: 1_700_000_000_000,
    nowMs: 1_700_000_060_000,
    state: "serving",
    placement: "rendezvous",
    peers: Array.from({ length: peers }, (_, index) => samplePeer(index)),
    groups: Object.fromEntries(
      Array.from({ length: groups }, (_, index) => [`group-${index}`, sampleGroup(index + 1)]),
    ),
  };
}

/** A group's stats, each number a multiple of `factor`. */
export function sampleGroup(factor: number): GroupStats {
  const answers = answersOf(factor);
  const latencies = new LatencyHistogram();
  for (const ms of [0, 0.2, 3, 40, 500, 6000, 70_000]) latencies.record(ms * factor);
  return {
    ...newCounters(),
    gets: totalOf(answers),
    hits: answers.main + answers.mirror,
    answers,
    peerAnswers: answersOf(2 * factor),
    loads: 9 * factor,
    loadsShared: 2 * factor,
    loadsExecuted: 7 * factor,
    maxBytes: 1000 * factor,
    main: cacheOf(factor),
    hot: cacheOf(2 * factor),
    latencies: { get: latencies.stats(), peer: latencies.stats(), load: latencies.stats() },
  };
}

function samplePeer(index: number): PeerStats {
  return {
    url: `http://10.0.1.${index}:8080`,
    state: index % 10 === 9 ? "down" : "up",
    sinceMs: 1_700_000_000_000 + index,
    lastError: null,
    calls: 100 * index,
    failures: index,
    p50Ms: index === 0 ? null : index / 10,
    p99Ms: index === 0 ? null : index,
    mismatches: [],
  };
}

function answersOf(factor: number): AnswerCounts {
  const answers = newAnswerCounts();
  for (const [index, key] of Object.keys(answers).entries()) {
    answers[key as keyof AnswerCounts] = (index + 1) * factor;
  }
  return answers;
}

function cacheOf(factor: number): CacheStats {
  return {
    items: 3 * factor,
    payloadBytes: 200 * factor,
    bytes: 300 * factor,
    lentBytes: 0,
    gets: 11 * factor,
    hits: 8 * factor,
    evictions: 5 * factor,
    expired: 4 * factor,
    refused: factor,
  };
}
