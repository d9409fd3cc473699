import { messageOf } from "./errors.ts";
import type { Peer } from "./peer/peer.ts";
import type { PeerSet } from "./peer/peer_set.ts";
import type {
  HotKey,
  Inspection,
  InspectionReply,
  ProcessReport,
  ReportReply,
} from "./process_report.ts";
import type { Clock } from "./timing/clock.ts";
import { withDeadline } from "./timing/deadline.ts";
import type { ReportQuestion } from "./wire/report_question.ts";

/** How long a process may take to report, in milliseconds. */
const REPORT_MS = 2000;
/** How many processes are asked at a time. */
const MAX_AT_ONCE = 32;

/** The maximum number of hot keys in a report. */
const MAX_HOT_KEYS = 24;

/** Returns the most requested keys of several groups, hottest first. */
export function hottestOf(groups: readonly { hotKeys(limit: number): HotKey[] }[]): HotKey[] {
  return groups.flatMap((group) => group.hotKeys(MAX_HOT_KEYS))
    .sort((a, b) => b.perSecond - a.perSecond)
    .slice(0, MAX_HOT_KEYS);
}

/** Asks all processes for reports and for the state of keys, and answers such requests. */
export class ClusterReports {
  #options: ClusterReportsOptions;

  constructor(options: ClusterReportsOptions) {
    this.#options = options;
  }

  /** Answers a peer. */
  answer({ inspect }: ReportQuestion): unknown {
    const { own } = this.#options;
    return inspect === undefined ? own() : this.#options.inspect(inspect.group, inspect.key);
  }

  /** Asks all processes for their reports. Never rejects. */
  reports(): Promise<ReportReply[]> {
    const { own } = this.#options;
    return this.#askAll({}, (url, answer, error) => {
      const report = answer === OWN ? own() : answer;
      if (error !== null) return { url, report: null, error };
      if (isReport(report)) return { url, report, error: null };
      return { url, report: null, error: "it runs another version, whose report has another form" };
    });
  }

  /** Asks all processes for the state of a key. Never rejects. */
  inspections(group: string, key: string): Promise<InspectionReply[]> {
    return this.#askAll({ inspect: { group, key } }, (url, answer, error) => {
      const inspection = answer === OWN ? this.#options.inspect(group, key) : answer;
      if (error !== null) return { url, inspection: null, error };
      return { url, inspection: isInspection(inspection) ? inspection : null, error: null };
    });
  }

  async #askAll<Result>(
    question: ReportQuestion,
    resultOf: (url: string, answer: unknown, error: string | null) => Result,
  ): Promise<Result[]> {
    const { peers } = this.#options;
    const urls = peers.self === undefined ? [""] : peers.urls;
    const results: Result[] = [];
    const ask = async (url: string, index: number) => {
      const peer = peers.find(url);
      if (peer === undefined) {
        results[index] = resultOf(url, OWN, null);
        return;
      }
      try {
        results[index] = resultOf(url, await this.#ask(peer, question), null);
      } catch (error) {
        results[index] = resultOf(url, undefined, messageOf(error));
      }
    };
    const left = urls.entries();
    const work = async () => {
      for (const [index, url] of left) await ask(url, index);
    };
    await Promise.all(Array.from({ length: Math.min(MAX_AT_ONCE, urls.length) }, work));
    return results;
  }

  #ask(peer: Peer, question: ReportQuestion): Promise<unknown> {
    return withDeadline((signal) => peer.report(question, { signal }), {
      clock: this.#options.clock,
      ms: REPORT_MS,
      onLate: () => {
        throw new Error(`Cannot ask peer ${peer.url}: no answer within ${REPORT_MS} ms`);
      },
    });
  }
}

/** Options for {@linkcode ClusterReports}. */
export interface ClusterReportsOptions {
  peers: PeerSet;
  clock: Clock;
  /** The report of this process. */
  own: () => ProcessReport;
  /** The state of a key in this process; null if it lacks the group. */
  inspect: (group: string, key: string) => Inspection | null;
}

/** Represents this process, which needs no request. */
const OWN: unique symbol = Symbol("own");

/** Whether a value from a peer has the form of a report, as far as the dashboard relies on it. */
export function isReport(value: unknown): value is ProcessReport {
  const { stats, hotKeys, problems } = Object(value);
  const { peers, groups, instance, startedAtMs } = Object(stats);
  return Array.isArray(hotKeys) && Array.isArray(problems) && Array.isArray(peers) &&
    typeof instance === "string" && typeof startedAtMs === "number" &&
    typeof groups === "object" && groups !== null &&
    Object.values(groups).every(isGroupStats);
}

function isGroupStats(value: unknown): boolean {
  const { answers, peerAnswers, main, hot, latencies, maxBytes, gets } = Object(value);
  return areNumbers([maxBytes, gets, ...Object.values(Object(answers))]) &&
    areNumbers([main?.items, main?.bytes, main?.evictions, main?.refused]) &&
    areNumbers([hot?.items, hot?.bytes, hot?.evictions, hot?.refused]) &&
    areNumbers(Object.values(Object(peerAnswers))) &&
    ["get", "peer", "load"].every((name) => {
      const { buckets } = Object(Object(latencies)[name]);
      return Array.isArray(buckets) && areNumbers(buckets);
    });
}

function isInspection(value: unknown): value is Inspection {
  const { order, held } = Object(value);
  return Array.isArray(order) && (held === null || held === "main" || held === "hot");
}

function areNumbers(values: unknown[]): boolean {
  return values.every((value) => typeof value === "number");
}
