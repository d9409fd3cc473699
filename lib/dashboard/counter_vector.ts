import { LATENCY_BOUNDS_MS, type LatencyStats } from "../stats/latency_histogram.ts";
import { type AnswerCounts, type GroupStats, newAnswerCounts, totalOf } from "../stats.ts";

const SOURCES = Object.keys(newAnswerCounts()) as (keyof AnswerCounts)[];
const COUNTS = ["localLoads", "localLoadErrors", "peerErrors"] as const;
const BUCKETS = LATENCY_BOUNDS_MS.length + 1;
const LATENCIES = ["get", "peer", "load"] as const;

/** The positions after the named counters. */
const EVICTIONS = SOURCES.length + COUNTS.length;
const PEER_GETS = EVICTIONS + 1;
const FIRST_BUCKET = EVICTIONS + 2;

/** The length of a row. */
export const VECTOR_LENGTH: number = FIRST_BUCKET + LATENCIES.length * BUCKETS;

/** The counters of a group that only grow, as one row of numbers, so that rows can be added up. */
export type CounterVector = Float64Array;

/** Returns the current counters of a group as a row. */
export function vectorOf(group: GroupStats): CounterVector {
  const vector = new Float64Array(VECTOR_LENGTH);
  for (const [index, source] of SOURCES.entries()) vector[index] = group.answers[source];
  for (const [index, name] of COUNTS.entries()) vector[SOURCES.length + index] = group[name];
  vector[EVICTIONS] = group.main.evictions + group.hot.evictions;
  vector[PEER_GETS] = totalOf(group.peerAnswers);
  for (const [index, name] of LATENCIES.entries()) {
    vector.set(group.latencies[name].buckets.slice(0, BUCKETS), FIRST_BUCKET + index * BUCKETS);
  }
  return vector;
}

/** Adds a multiple of `other`: with a factor of -1 it is subtracted. */
export function addVector(to: CounterVector, other: CounterVector, factor = 1): void {
  for (let i = 0; i < VECTOR_LENGTH; i++) {
    to[i] = (to[i] as number) + factor * (other[i] as number);
  }
}

/** Reads the gets by source from a row. */
export function answersIn(vector: CounterVector): AnswerCounts {
  const answers = newAnswerCounts();
  for (const [index, source] of SOURCES.entries()) answers[source] = vector[index] as number;
  return answers;
}

/** Reads a counter from a row. */
export function countIn(
  vector: CounterVector,
  name: (typeof COUNTS)[number] | "evictions" | "peerGets",
): number {
  if (name === "evictions") return vector[EVICTIONS] as number;
  if (name === "peerGets") return vector[PEER_GETS] as number;
  return vector[SOURCES.length + COUNTS.indexOf(name)] as number;
}

/** Reads a histogram from a row, without its sum. */
export function latenciesIn(
  vector: CounterVector,
  name: (typeof LATENCIES)[number],
): LatencyStats {
  const start = FIRST_BUCKET + LATENCIES.indexOf(name) * BUCKETS;
  const buckets = [...vector.subarray(start, start + BUCKETS)];
  return { count: buckets.reduce((sum, count) => sum + count, 0), sumMs: 0, buckets };
}
