import type { GroupCacheStats } from "./stats.ts";

/** A key that the application of a process often requests. */
export interface HotKey {
  /** The name of the group. */
  group: string;
  /** The key. */
  key: string;
  /** How often this process's application requests it, per second, estimated from a sample. */
  perSecond: number;
  /** Whether this process holds a mirror of it. */
  isMirrored: boolean;
  /** The base URL of the process that owns it, as this one sees it; null without peers. */
  owner: string | null;
}

/** A current or past problem. */
export interface Problem {
  /** The kind of problem, for programs. The kinds and their meanings are stable. */
  cause: string;
  /** What is wrong and what to check, for people. */
  message: string;
  /** How often it occurred. */
  count: number;
  /** When it first occurred, in Unix milliseconds. */
  firstMs: number;
  /** When it last occurred, in Unix milliseconds. */
  lastMs: number;
}

/** The report of a process about itself, as a plain JSON value. */
export interface ProcessReport {
  /** Its counters. */
  stats: GroupCacheStats;
  /** The keys that its application requests most often, hottest first. */
  hotKeys: HotKey[];
  /** Its recent problems, the latest first. */
  problems: Problem[];
}

/** The result of asking a process for its report. */
export interface ReportReply {
  /** The base URL of the process; for one without peers, the empty string. */
  url: string;
  /** Its report; null if it could not be reached. */
  report: ProcessReport | null;
  /** Why it could not be reached; null if it could. */
  error: string | null;
}

/** The state of a key in one process. */
export interface Inspection {
  /** The base URL of the process that owns the key, as this one sees it; null without peers. */
  owner: string | null;
  /** All processes in the key's order, the owner first, whether up or down. */
  order: string[];
  /** Which of the group's caches holds it, if any. */
  held: "main" | "hot" | null;
  /** The length of its value, in bytes, if it is held. */
  valueBytes: number | null;
  /** Its remaining time to live, in milliseconds, if it is held and expires. */
  leftMs: number | null;
  /** How often it was used since it was stored, up to 3, as eviction counts. */
  uses: number | null;
  /** Whether this process is loading it or requesting it from a peer. */
  isLoading: boolean;
}

/** The result of asking a process about a key. */
export interface InspectionReply {
  /** The base URL of the process. */
  url: string;
  /** The state of the key; null if the process could not be reached, or lacks the group. */
  inspection: Inspection | null;
  /** Why it could not be reached; null if it could. */
  error: string | null;
}
