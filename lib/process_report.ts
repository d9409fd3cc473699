import type { GroupCacheStats } from "./stats.ts";

/** A key that the application of a process asks for often. */
export interface HotKey {
  /** The name of the group. */
  group: string;
  /** The key. */
  key: string;
  /** How often this process's application asks for it, per second, estimated from a sample. */
  perSecond: number;
  /** Whether this process holds a mirror of it. */
  isMirrored: boolean;
  /** The base URL of the process that owns it, as this one sees it; null without peers. */
  owner: string | null;
}

/** Something that is wrong, or was. */
export interface Problem {
  /** What kind of thing is wrong, in a word or two, for programs: it never changes its meaning. */
  cause: string;
  /** What is wrong and what to look at, for people. */
  message: string;
  /** How often it was found. */
  count: number;
  /** When it was found first, in Unix milliseconds. */
  firstMs: number;
  /** When it was found last, in Unix milliseconds. */
  lastMs: number;
}

/** What a process tells of itself, as a plain JSON value. */
export interface ProcessReport {
  /** What it counts. */
  stats: GroupCacheStats;
  /** What its application asks for most, the most wanted first. */
  hotKeys: HotKey[];
  /** What it found wrong of late, the latest first. */
  problems: Problem[];
}

/** What came of asking a process for its report. */
export interface ReportReply {
  /** The base URL of the process; for one without peers, the empty string. */
  url: string;
  /** What it says; null if it could not be asked. */
  report: ProcessReport | null;
  /** Why it could not be asked; null if it could. */
  error: string | null;
}

/** Where a key is in one process, and what would be done about it there. */
export interface Inspection {
  /** The process that owns the key, as this one sees it: its base URL, or null without peers. */
  owner: string | null;
  /** All processes in the key's order, its owner first, whether they are up or not. */
  order: string[];
  /** Which of the group's caches holds it, if any. */
  held: "main" | "hot" | null;
  /** The length of its value, in bytes, if it is held. */
  valueBytes: number | null;
  /** How long it has left, in milliseconds, if it is held and ends. */
  leftMs: number | null;
  /** How often it was used since it came in, up to 3: that is all that eviction needs to know. */
  uses: number | null;
  /** Whether a load of it, or a call to a peer for it, is under way in this process. */
  isLoading: boolean;
}

/** What came of asking a process where it has a key. */
export interface InspectionReply {
  /** The base URL of the process. */
  url: string;
  /** What it says; null if it could not be asked, or has no such group. */
  inspection: Inspection | null;
  /** Why it could not be asked; null if it could. */
  error: string | null;
}
