import { findRuntime, type Runtime } from "../../tests/runtime.ts";
import { args, median, round, type Row } from "../report.ts";
import { type Bar, type Bench, inTurns, ratio, skipped } from "./bench.ts";
import type { Load } from "./calls.ts";
import {
  type Node,
  startBareServer,
  startCluster,
  startGo,
  startMixedCluster,
  startNode,
  startRedis,
} from "./processes.ts";

const KEYS = 2000;
const ROUNDS = 5;
const MS = 400;

/** What callers ask for. */
interface Case {
  readonly callers: number;
  readonly bytes: number;
  /** Whether callers wait 0 to 8 turns between gets, at random. */
  readonly isIndependent: boolean;
}

const CASES: readonly Case[] = [
  ...[1, 8, 64, 512].flatMap((callers) =>
    [true, false].map((isIndependent) => ({ callers, bytes: 1024, isIndependent }))
  ),
  ...[100, 65_536, 1 << 20].map((bytes) => ({ callers: 64, bytes, isIndependent: true })),
];

/** What must hold: at least so many times Redis's keys, at most so many times a bare fetch's time. */
interface Limits {
  readonly redis?: number;
  readonly p50?: number;
  readonly p99?: number;
  /** Processor time of caller and owner together, in microseconds a key. */
  readonly micros?: number;
}

function limitsOf({ callers, bytes, isIndependent }: Case, runtime: Runtime): Limits {
  const isDeno = runtime === "deno";
  if (bytes !== 1024) return {};
  if (callers === 1 && !isIndependent) return { p50: isDeno ? 0.85 : 1.3, p99: 2.5 };
  if (callers === 64 && isIndependent) return { redis: 1.2 };
  if (callers === 512 && isIndependent) return { redis: 1.5 };
  if (callers === 64) return { redis: isDeno ? 1.4 : 1.15, micros: isDeno ? 4.5 : 3 };
  return {};
}

/** Figures of one round. */
interface Round extends Load {
  /** Processor time of the owner, in microseconds a key. */
  readonly ownerMicros: number;
}

/**
 * Callers whose gets are hits in the memory of another process: in step with each other, as those of a
 * loop are, and independent of each other, as the requests of a server are. Each subject has a process
 * of its own for its callers: one client's garbage would be collected in the others' time.
 */
export const callers: Bar = async (bench) => {
  const rows: Row[] = [];
  const isAsked = (name: string, value: number) => {
    const told = args.indexOf(name);
    return told < 0 || Number(args[told + 1]) === value;
  };
  const cases = CASES.filter(({ callers, bytes }) =>
    isAsked("--callers", callers) && isAsked("--bytes", bytes)
  );
  for (const each of cases) rows.push(...await measure(bench, each));
  return {
    bar:
      "Callers of owner hits: independent of each other (0 to 8 turns between gets), and in lockstep",
    limit: "of Redis by ioredis and of a bare fetch, where a line says so",
    rows,
  };
};

async function measure({ runtime, others }: Bench, each: Case): Promise<Row[]> {
  const { callers, bytes, isIndependent } = each;
  await using stack = new AsyncDisposableStack();
  const count = Math.min(KEYS, (64 << 20) / bytes);

  const load = (node: Node, subject: string, owner?: Node) => async (): Promise<Round> => {
    const query = { subject, callers, ms: MS, isIndependent: isIndependent ? 1 : "" };
    const before = await owner?.ask<number>("processorMicros") ?? NaN;
    const figures = await node.ask<Load>("load", query);
    const micros = await owner?.ask<number>("processorMicros") ?? NaN;
    return { ...figures, ownerMicros: (micros - before) / figures.calls };
  };
  /** Callers of ours in one process, and the owner of their keys in another. */
  const ours = async ([caller, owner]: Node[]) => {
    if (caller === undefined || owner === undefined) throw new Error("no process");
    await caller.ask("keys", { owners: owner.url, count, bytes });
    return load(caller, "ours", owner);
  };
  /** A process with callers of its own. */
  const rival = async (subject: string, query: Record<string, unknown>) => {
    const node = stack.use(await startNode(runtime));
    await node.ask("peers", { urls: node.url });
    await node.ask("keys", { owners: node.url, count, bytes });
    await node.ask(subject === "bare" ? "bare" : "redis", { ...query, bytes });
    return load(node, subject);
  };
  const { url: target } = stack.use(await startBareServer(runtime));
  const subjects: Record<string, () => Promise<Round>> = {
    ours: await ours(await startCluster(runtime, 2, stack)),
    "bare fetch": await rival("bare", { target }),
  };
  const other = runtime === "deno" ? "bun" : "deno";
  if (findRuntime(other) !== undefined) {
    const mixed = await startMixedCluster([runtime, other], stack);
    subjects[`ours, owner on ${other}`] = await ours(mixed);
  }
  if (others.redis !== undefined) {
    const port = await startRedis(others.redis, stack);
    for (const client of ["ioredis", "redis"]) {
      subjects[client] = await rival(client, { port, count, client });
    }
  }
  if (others.go !== undefined && bytes === 1024 && !isIndependent) {
    subjects["Go groupcache"] = await goSubject(others.go, callers, stack);
  }
  const figures = await inTurns(ROUNDS, subjects);

  const name = `${callers} ${isIndependent ? "independent" : "in lockstep"}, ${bytes} bytes`;
  const rows = Object.entries(figures).map(([subject, rounds]) =>
    rowOf(`${name}: ${subject}`, rounds, figures["ours"])
  );
  judge(rows, figures, limitsOf(each, runtime));
  return others.redis === undefined ? [...rows, skipped(`${name}: Redis`)] : rows;
}

/** Go has its own callers, which call one key after the other. */
async function goSubject(
  program: string,
  callers: number,
  stack: AsyncDisposableStack,
): Promise<() => Promise<Round>> {
  const goOwner = stack.use(await startGo(program, "owner"));
  const goCaller = stack.use(await startGo(program, "caller"));
  await goCaller.ask("peers", { urls: goOwner.url });
  return async () => {
    const perSecond = await goCaller.ask<number>("throughput", { callers, ms: MS, keys: KEYS });
    return { perSecond, calls: NaN, p50: NaN, p99: NaN, micros: NaN, ownerMicros: NaN };
  };
}

const perSecondOf = (rounds: readonly Round[] = []) => rounds.map(({ perSecond }) => perSecond);

function rowOf(name: string, rounds: readonly Round[], ours: readonly Round[] = []): Row {
  const figure = (of: (round: Round) => number, digits: number): number | string => {
    const value = median(rounds.map(of));
    return Number.isNaN(value) ? "" : round(value, digits);
  };
  const times = ratio(perSecondOf(ours), perSecondOf(rounds));
  return {
    case: name,
    figures: {
      "keys/s": figure(({ perSecond }) => perSecond, 0),
      "ours is": rounds === ours ? "" : `${round(times)} times`,
      "p50 µs": figure(({ p50 }) => p50 * 1000, 0),
      "p99 µs": figure(({ p99 }) => p99 * 1000, 0),
      "caller's µs/key": figure(({ micros }) => micros, 2),
      "owner's µs/key": figure(({ ownerMicros }) => ownerMicros, 2),
    },
  };
}

/** Says in the lines of a case what its limits are, and whether they are met. */
function judge(
  rows: readonly Row[],
  { ours = [], "bare fetch": bare = [], ioredis = [] }: Record<string, Round[]>,
  limits: Limits,
): void {
  const verdict = (subject: string, text: string, isMet: boolean) => {
    const row = rows.find(({ case: name }) => name.endsWith(`: ${subject}`));
    if (row === undefined) return;
    const { limit } = row.figures;
    row.figures["limit"] = limit === undefined ? text : `${limit}, ${text}`;
    row.isMet = isMet && row.isMet !== false;
  };
  const time = (rounds: readonly Round[], share: "p50" | "p99") =>
    rounds.map((round) => round[share]);
  for (const share of ["p50", "p99"] as const) {
    const limit = limits[share];
    if (limit === undefined) continue;
    const times = ratio(time(ours, share), time(bare, share));
    verdict("bare fetch", `${share} ${round(times)} of ${limit}`, times <= limit);
  }
  if (limits.redis !== undefined && ioredis.length > 0) {
    const times = ratio(perSecondOf(ours), perSecondOf(ioredis));
    verdict("ioredis", `${limits.redis} times`, times >= limits.redis);
  }
  if (limits.micros !== undefined) {
    const micros = median(ours.map(({ micros, ownerMicros }) => micros + ownerMicros));
    verdict("ours", `${round(micros)} of ${limits.micros} µs/key`, micros <= limits.micros);
  }
}
