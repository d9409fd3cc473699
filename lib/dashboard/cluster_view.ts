import { percentileMs } from "../stats/latency_histogram.ts";
import type { Problem, ReportReply } from "../process_report.ts";
import { type AnswerCounts, type GroupStats, newAnswerCounts, totalOf } from "../stats.ts";
import {
  addVector,
  answersIn,
  type CounterVector,
  countIn,
  latenciesIn,
  VECTOR_LENGTH,
  vectorOf,
} from "./counter_vector.ts";
import { RateWindow } from "./rate_window.ts";

/** The number of keys shown. */
const MAX_HOT_KEYS = 12;
/** The number of problems shown. */
const MAX_PROBLEMS = 30;

/** Rates per second over the last few seconds. */
export interface Rates {
  /** Gets of applications, by source of the answer. */
  answers: AnswerCounts;
  /** All gets of applications. */
  gets: number;
  /** The share of gets answered from the process's own memory, from 0 to 1; null without gets. */
  localRatio: number | null;
  /** The share of gets without a load, from 0 to 1; null without gets. */
  loadFreeRatio: number | null;
  /** Gets that came from peers. */
  peerGets: number;
  /** Runs of loaders, failed ones included. */
  loads: number;
  /** Runs of loaders that failed. */
  loadErrors: number;
  /** Requests that failed because of a peer. */
  peerErrors: number;
  /** Entries dropped to make room. */
  evictions: number;
  /** Percentiles of the latency of gets, in milliseconds; null without gets. */
  getP50Ms: number | null;
  getP99Ms: number | null;
  peerP50Ms: number | null;
  peerP99Ms: number | null;
  loadP50Ms: number | null;
  loadP99Ms: number | null;
}

/** The contents of memory. */
export interface Holdings {
  items: number;
  bytes: number;
  maxBytes: number;
  mirrors: number;
}

/** One moment of the charts. */
export interface Point extends Rates, Holdings {
  atMs: number;
  processesUp: number;
  processes: number;
}

/** A group, summed over all processes. */
export interface GroupView extends Rates, Holdings {
  name: string;
  /** The totals since the processes started. */
  totals: { gets: number; hits: number; loads: number; loadErrors: number; refused: number };
  /** The number of processes that have it. */
  processes: number;
}

/** One process as another sees it. */
export interface Opinion {
  url: string;
  state: string;
  sinceMs: number;
  p50Ms: number | null;
  p99Ms: number | null;
  calls: number;
  failures: number;
  lastError: { message: string; atMs: number } | null;
  mismatches: string[];
}

/** A process, as the one that serves the page sees it. */
export interface ProcessView extends Rates, Holdings {
  url: string;
  /** Whether it serves this page. */
  isHere: boolean;
  state: "up" | "leaving" | "closed" | "unreachable";
  /** Why it cannot be reached, or null. */
  error: string | null;
  /** When it last reported, or null if never. */
  heardAtMs: number | null;
  startedAtMs: number | null;
  /** The share of all entries that it owns; null without entries. */
  share: number | null;
  opinions: Opinion[];
}

/** A hot key, summed over all processes. */
export interface HotKeyView {
  group: string;
  key: string;
  perSecond: number;
  owner: string | null;
  mirrors: number;
}

/** A problem, and the processes that have it. */
export interface ProblemView extends Problem {
  urls: string[];
}

/** What the page shows at one moment. */
export interface ClusterView {
  atMs: number;
  /** The process that serves the page. */
  self: string;
  total: Point;
  groups: GroupView[];
  processes: ProcessView[];
  hotKeys: HotKeyView[];
  problems: ProblemView[];
}

interface Known {
  instance: string;
  heardAtMs: number;
  counters: Map<string, CounterVector>;
  reply: ReportReply;
}

/** Builds views from the reports of processes, with rates from their counters. */
export class ClusterViews {
  #self: string;
  #known = new Map<string, Known>();
  #windows = new Map<string, RateWindow>();

  /** @param self The base URL of this process. */
  constructor(self: string) {
    this.#self = self;
  }

  /**
   * Builds the view of one moment.
   *
   * @param sinceMs The time since the last view, in milliseconds.
   */
  next(replies: readonly ReportReply[], nowMs: number, sinceMs: number): ClusterView {
    const counted = new Map<string, CounterVector>([["total", new Float64Array(VECTOR_LENGTH)]]);
    const add = (name: string, vector: CounterVector) => {
      const sum = counted.get(name);
      if (sum === undefined) counted.set(name, vector.slice());
      else addVector(sum, vector);
    };
    for (const reply of replies) {
      for (const [group, vector] of this.#countedSince(reply, nowMs)) {
        for (const name of ["total", `group ${group}`, `process ${reply.url}`]) add(name, vector);
      }
    }
    const urls = new Set(replies.map(({ url }) => url));
    for (const url of this.#known.keys()) if (!urls.has(url)) this.#known.delete(url);
    const groups = groupsOf(replies);
    const names = [
      "total",
      ...[...groups.keys()].map((name) => `group ${name}`),
      ...[...urls].map((url) => `process ${url}`),
    ];
    for (const name of this.#windows.keys()) if (!names.includes(name)) this.#windows.delete(name);
    for (const name of names) {
      let window = this.#windows.get(name);
      if (window === undefined) this.#windows.set(name, window = new RateWindow());
      window.push(counted.get(name) ?? new Float64Array(VECTOR_LENGTH), sinceMs);
    }
    const all = [...groups.values()].flat();
    const processes = replies.map((reply) => this.#processView(reply, all));
    return {
      atMs: nowMs,
      self: this.#self,
      total: {
        atMs: nowMs,
        processesUp: processes.filter(({ state }) => state === "up").length,
        processes: processes.length,
        ...this.#rates("total"),
        ...holdingsOf(all),
      },
      groups: [...groups].map(([name, stats]) => ({
        name,
        processes: stats.length,
        totals: totalsOf(stats),
        ...this.#rates(`group ${name}`),
        ...holdingsOf(stats),
      })),
      processes,
      hotKeys: hotKeysOf(replies),
      problems: problemsOf(replies),
    };
  }

  /** Returns what a process has counted since its last report, by group. */
  #countedSince(reply: ReportReply, nowMs: number): Map<string, CounterVector> {
    const counted = new Map<string, CounterVector>();
    if (reply.report === null) return counted;
    const { instance, groups } = reply.report.stats;
    const before = this.#known.get(reply.url);
    const counters = new Map(
      Object.entries(groups).map(([name, group]) => [name, vectorOf(group)] as const),
    );
    this.#known.set(reply.url, { instance, heardAtMs: nowMs, counters, reply });
    // The counters of a new process have no known starting time.
    if (before?.instance !== instance) return counted;
    for (const [name, vector] of counters) {
      const past = before.counters.get(name);
      const difference = vector.slice();
      if (past !== undefined) addVector(difference, past, -1);
      counted.set(name, difference);
    }
    return counted;
  }

  #rates(name: string): Rates {
    const window = this.#windows.get(name) as RateWindow;
    const { sum } = window;
    const answers = answersIn(sum);
    const gets = totalOf(answers);
    const loads = countIn(sum, "localLoads") + countIn(sum, "localLoadErrors");
    const rates = newAnswerCounts();
    for (const source of Object.keys(answers) as (keyof AnswerCounts)[]) {
      rates[source] = window.perSecond(answers[source]);
    }
    const get = latenciesIn(sum, "get");
    const peer = latenciesIn(sum, "peer");
    const load = latenciesIn(sum, "load");
    return {
      answers: rates,
      gets: window.perSecond(gets),
      localRatio: gets > 0 ? (answers.main + answers.mirror) / gets : null,
      loadFreeRatio: gets > 0 ? Math.max(0, 1 - loads / gets) : null,
      peerGets: window.perSecond(countIn(sum, "peerGets")),
      loads: window.perSecond(loads),
      loadErrors: window.perSecond(countIn(sum, "localLoadErrors")),
      peerErrors: window.perSecond(countIn(sum, "peerErrors")),
      evictions: window.perSecond(countIn(sum, "evictions")),
      getP50Ms: percentileMs(get, 0.5) ?? null,
      getP99Ms: percentileMs(get, 0.99) ?? null,
      peerP50Ms: percentileMs(peer, 0.5) ?? null,
      peerP99Ms: percentileMs(peer, 0.99) ?? null,
      loadP50Ms: percentileMs(load, 0.5) ?? null,
      loadP99Ms: percentileMs(load, 0.99) ?? null,
    };
  }

  #processView({ url, report, error }: ReportReply, all: readonly GroupStats[]): ProcessView {
    const known = this.#known.get(url);
    const latest = report?.stats ?? known?.reply.report?.stats;
    const own = report === null ? [] : Object.values(report.stats.groups);
    const items = sum(all.map(({ main }) => main.items));
    const state = report === null
      ? "unreachable"
      : report.stats.state === "serving"
      ? "up"
      : report.stats.state;
    return {
      url,
      isHere: url === this.#self,
      state,
      error,
      heardAtMs: known?.heardAtMs ?? null,
      startedAtMs: latest?.startedAtMs ?? null,
      share: items > 0 ? sum(own.map(({ main }) => main.items)) / items : null,
      opinions: report?.stats.peers ?? [],
      ...this.#rates(`process ${url}`),
      ...holdingsOf(own),
    };
  }
}

/** Collects the stats of each group from all processes that have it. */
function groupsOf(replies: readonly ReportReply[]): Map<string, GroupStats[]> {
  const groups = new Map<string, GroupStats[]>();
  for (const { report } of replies) {
    for (const [name, stats] of Object.entries(report?.stats.groups ?? {})) {
      const known = groups.get(name);
      if (known === undefined) groups.set(name, [stats]);
      else known.push(stats);
    }
  }
  return new Map([...groups].sort(([a], [b]) => a < b ? -1 : 1));
}

function totalsOf(groups: readonly GroupStats[]): GroupView["totals"] {
  return {
    gets: sum(groups.map(({ gets }) => gets)),
    hits: sum(groups.map(({ hits }) => hits)),
    loads: sum(groups.map(({ localLoads }) => localLoads)),
    loadErrors: sum(groups.map(({ localLoadErrors }) => localLoadErrors)),
    refused: sum(groups.map(({ main, hot }) => main.refused + hot.refused)),
  };
}

function holdingsOf(groups: readonly GroupStats[]): Holdings {
  return {
    items: sum(groups.map(({ main, hot }) => main.items + hot.items)),
    bytes: sum(groups.map(({ main, hot }) => main.bytes + hot.bytes)),
    maxBytes: sum(groups.map(({ maxBytes }) => maxBytes)),
    mirrors: sum(groups.map(({ hot }) => hot.items)),
  };
}

function hotKeysOf(replies: readonly ReportReply[]): HotKeyView[] {
  const byKey = new Map<string, HotKeyView>();
  for (const { report } of replies) {
    for (const { group, key, perSecond, isMirrored, owner } of report?.hotKeys ?? []) {
      const id = JSON.stringify([group, key]);
      const known = byKey.get(id);
      if (known === undefined) {
        byKey.set(id, { group, key, perSecond, owner, mirrors: Number(isMirrored) });
      } else {
        known.perSecond += perSecond;
        known.mirrors += Number(isMirrored);
      }
    }
  }
  return [...byKey.values()].sort((a, b) => b.perSecond - a.perSecond).slice(0, MAX_HOT_KEYS);
}

function problemsOf(replies: readonly ReportReply[]): ProblemView[] {
  const byMessage = new Map<string, ProblemView>();
  for (const { url, report } of replies) {
    for (const problem of report?.problems ?? []) {
      const id = JSON.stringify([problem.cause, problem.message]);
      const known = byMessage.get(id);
      if (known === undefined) byMessage.set(id, { ...problem, urls: [url] });
      else {
        known.urls.push(url);
        known.count += problem.count;
        known.firstMs = Math.min(known.firstMs, problem.firstMs);
        known.lastMs = Math.max(known.lastMs, problem.lastMs);
      }
    }
  }
  return [...byMessage.values()].sort((a, b) => b.lastMs - a.lastMs).slice(0, MAX_PROBLEMS);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
