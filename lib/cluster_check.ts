import type { ProcessReport, ReportReply } from "./process_report.ts";

/**
 * Something that is wrong with a cluster, or may be.
 *
 * @example
 * ```ts
 * import { type Finding, GroupCache } from "@groupcache/groupcache";
 *
 * const line = ({ level, peer, message }: Finding): string =>
 *   `${level} ${peer ?? "the cluster"}: ${message}`;
 *
 * await using cache = new GroupCache();
 * const { findings } = await cache.check();
 * for (const finding of findings) console.warn(line(finding));
 * ```
 */
export interface Finding {
  /** `error` if it costs loads or answers; `warn` if it may be meant so. */
  level: "warn" | "error";
  /** What kind of thing it is, in a word or two, for programs. */
  cause: string;
  /** The base URL of the process it is about, or null if it is about all. */
  peer: string | null;
  /** What is wrong and what to look at, for people. */
  message: string;
}

/**
 * The result of {@linkcode GroupCache.check}.
 *
 * @example
 * ```ts
 * import { type CheckReport, GroupCache } from "@groupcache/groupcache";
 * import { assertEquals } from "@std/assert";
 *
 * await using cache = new GroupCache();
 * const { ok, findings, replies }: CheckReport = await cache.check();
 * assertEquals([ok, findings, replies.length], [true, [], 1]);
 * ```
 */
export interface CheckReport {
  /** Whether nothing was found. */
  ok: boolean;
  /** What was found, the worst first. */
  findings: Finding[];
  /** What each process reported. */
  replies: ReportReply[];
}

/** Clocks that differ by more than this make values end too early or too late. */
const MAX_SKEW_MS = 5000;

interface Known {
  url: string;
  report: ProcessReport;
}

/** Compares what processes tell of themselves with each other. */
export function compareReports(replies: ReportReply[]): CheckReport {
  const known = replies.flatMap(({ url, report }) => report === null ? [] : [{ url, report }]);
  const findings = [
    ...replies.flatMap(outOfReach),
    ...known.flatMap(alone),
    ...known.flatMap(otherName),
    ...sameProcess(known),
    ...differentLists(known),
    ...different(
      known,
      "placement",
      ({ stats }) => stats.placement,
      (placement) => `it places keys by ${placement}`,
    ),
    ...differentGroups(known),
    ...known.flatMap(tooLarge),
    ...known.flatMap(states),
    ...clocks(known),
    ...problems(known),
  ];
  findings.sort((a, b) => Number(a.level === "warn") - Number(b.level === "warn"));
  return { ok: findings.length === 0, findings, replies };
}

function outOfReach({ url, error }: ReportReply): Finding[] {
  if (error === null) return [];
  const message = error.includes(url) ? error : `${url}: ${error}`;
  return [{ level: "error", cause: "unreachable", peer: url, message }];
}

/** Whether others can reach a process by its name only from the same machine. */
export function isLoopback(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === "localhost" || hostname.endsWith(".localhost") || hostname === "[::1]" ||
    hostname.startsWith("127.");
}

function alone({ url, report: { stats } }: Known): Finding[] {
  if (stats.self === null || stats.peers.length > 0 || isLoopback(stats.self)) return [];
  return [{
    level: "warn",
    cause: "no-peers",
    peer: url,
    message: `${stats.self} knows no other process: pass all of them as peers, or call setPeers()`,
  }];
}

function otherName({ url, report: { stats } }: Known): Finding[] {
  const { self } = stats;
  if (self === null || url === "" || self === url) return [];
  return [{
    level: "error",
    cause: "name",
    peer: url,
    message:
      `the process at ${url} calls itself ${self}: self must be as the lists of peers have it`,
  }];
}

function sameProcess(known: Known[]): Finding[] {
  const byInstance = Map.groupBy(known, ({ report }) => report.stats.instance);
  return [...byInstance.values()].filter(({ length }) => length > 1).map((same) => ({
    level: "error",
    cause: "same-process",
    peer: same[0]?.url ?? null,
    message: `${
      same.map(({ url }) => url).join(" and ")
    } are one process: list it once, as its self`,
  }));
}

function differentLists(known: Known[]): Finding[] {
  const listOf = ({ report: { stats } }: Known) =>
    [stats.self ?? "", ...stats.peers.map(({ url }) => url)].sort();
  const [first, ...others] = known;
  if (first === undefined) return [];
  const mine = listOf(first);
  return others.flatMap((other) => {
    const theirs = listOf(other);
    const lacks = mine.filter((url) => !theirs.includes(url));
    const has = theirs.filter((url) => !mine.includes(url));
    if (lacks.length + has.length === 0) return [];
    return [{
      level: "error",
      cause: "peers",
      peer: other.url,
      message: `the list of peers at ${other.url} differs from that at ${first.url}: it lacks ` +
        `${lacks.join(", ") || "none"} and has ${has.join(", ") || "none"} beyond it`,
    }];
  });
}

function different(
  known: Known[],
  cause: string,
  of: (report: ProcessReport) => string,
  tell: (value: string) => string,
): Finding[] {
  const [first, ...others] = known;
  if (first === undefined) return [];
  const mine = of(first.report);
  return others.filter(({ report }) => of(report) !== mine).map(({ url, report }) => ({
    level: "error",
    cause,
    peer: url,
    message: `${url} differs from ${first.url}: ${tell(of(report))}, not ${mine}`,
  }));
}

function differentGroups(known: Known[]): Finding[] {
  const all = new Set(known.flatMap(({ report }) => Object.keys(report.stats.groups)));
  const findings: Finding[] = [];
  for (const name of all) {
    const having = known.filter(({ report }) => name in report.stats.groups);
    const lacking = known.filter(({ report }) => !(name in report.stats.groups));
    for (const { url, report } of lacking) {
      const alike = Object.keys(report.stats.groups).find((other) => isAlike(other, name));
      findings.push({
        level: "error",
        cause: "unknown-group",
        peer: url,
        message: `${url} has no group ${JSON.stringify(name)}, which ${having[0]?.url} has` +
          (alike === undefined ? "" : `; it has ${JSON.stringify(alike)}: is that a typo?`),
      });
    }
    const sizes = new Set(having.map(({ report }) => report.stats.groups[name]?.maxBytes));
    if (sizes.size > 1) {
      findings.push({
        level: "warn",
        cause: "max-bytes",
        peer: null,
        message: `maxBytes of group ${JSON.stringify(name)} differs: ` +
          having.map(({ url, report }) => `${url} ${report.stats.groups[name]?.maxBytes}`).join(
            ", ",
          ),
      });
    }
  }
  return findings;
}

/** Whether two names differ by case, spaces, or a letter or two. */
function isAlike(a: string, b: string): boolean {
  const [plainA, plainB] = [a, b].map((name) => name.trim().toLowerCase()) as [string, string];
  if (plainA === plainB) return true;
  if (Math.abs(plainA.length - plainB.length) > 2) return false;
  let same = 0;
  while (same < plainA.length && plainA[same] === plainB[same]) same++;
  let end = 0;
  while (end < plainA.length - same && plainA.at(-1 - end) === plainB.at(-1 - end)) end++;
  return Math.max(plainA.length, plainB.length) - same - end <= 2;
}

function tooLarge({ url, report: { stats } }: Known): Finding[] {
  return Object.entries(stats.groups)
    .filter(([, { main }]) => main.refused > 0)
    .map(([name, { main, maxBytes }]) => ({
      level: "warn",
      cause: "too-large",
      peer: url,
      message: `${main.refused} values of group ${JSON.stringify(name)} at ${url} were not kept, ` +
        `because one may take half of maxBytes, which is ${maxBytes}: each get loads them again`,
    }));
}

function states({ url, report: { stats } }: Known): Finding[] {
  const findings: Finding[] = [];
  if (stats.state !== "serving") {
    const message = `${url} takes no new work: it is ${stats.state}`;
    findings.push({ level: "warn", cause: "state", peer: url, message });
  }
  for (const peer of stats.peers) {
    if (peer.state === "down") {
      const message = `${url} cannot ask ${peer.url}: ${peer.lastError?.message ?? "it is down"}`;
      findings.push({ level: "error", cause: "peer-down", peer: url, message });
    }
    for (const mismatch of peer.mismatches) {
      const message = `${url} and ${peer.url} disagree: ${mismatch}`;
      findings.push({ level: "error", cause: "peer-mismatch", peer: url, message });
    }
  }
  return findings;
}

function clocks(known: Known[]): Finding[] {
  const [first, ...others] = known;
  if (first === undefined) return [];
  return others.flatMap(({ url, report }) => {
    const skewMs = report.stats.nowMs - first.report.stats.nowMs;
    if (Math.abs(skewMs) <= MAX_SKEW_MS) return [];
    return [{
      level: "warn",
      cause: "clock",
      peer: url,
      message: `the clock at ${url} differs from that at ${first.url} by ` +
        `${Math.round(skewMs / 1000)} s: let both follow NTP`,
    }];
  });
}

function problems(known: Known[]): Finding[] {
  const told = new Set(["peer-down", "peer-error", "peer-mismatch"]);
  return known.flatMap(({ url, report }) =>
    report.problems.filter(({ cause }) => !told.has(cause)).map(({ cause, message, count }) => ({
      level: "warn" as const,
      cause,
      peer: url,
      message: `${url}: ${message}${count > 1 ? ` (${count} times)` : ""}`,
    }))
  );
}
