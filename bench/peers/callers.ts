import { median, round, type Row } from "../store/report.ts";
import { type Bar, type Bench, inTurns, skipped } from "./bench.ts";
import { type Node, startBareServer, startCluster, startGo, startRedis } from "./processes.ts";
import type { Load } from "./calls.ts";

const KEYS = 2000;
const ROUNDS = 5;
const MS = 300;

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

/** Figures of one round. */
interface Round extends Load {
  /** Processor time of the owner, in microseconds a key. */
  readonly ownerMicros: number;
}

/**
 * Callers whose gets are hits in the memory of another process: in step with each other, as those of a
 * loop are, and independent of each other, as the requests of a server are.
 */
export const callers: Bar = async (bench) => {
  const rows: Row[] = [];
  for (const each of CASES) rows.push(...await measure(bench, each));
  return {
    bar:
      "Callers of owner hits: independent of each other (0 to 8 turns between gets), and in lockstep",
    limit: "printed only",
    rows,
  };
};

async function measure(
  { runtime, others }: Bench,
  { callers, bytes, isIndependent }: Case,
): Promise<Row[]> {
  await using stack = new AsyncDisposableStack();
  const [caller, owner] = await startCluster(runtime, 2, stack) as [Node, Node];
  const count = Math.min(KEYS, (64 << 20) / bytes);
  await caller.ask("keys", { owners: owner.url, count, bytes });
  const { url: target } = stack.use(await startBareServer(runtime));
  await caller.ask("bare", { target, bytes });
  const ask = (subject: string, ms = MS) =>
    caller.ask<Load>("load", { subject, callers, ms, isIndependent: isIndependent ? 1 : "" });
  const alone = (subject: string) => async (): Promise<Round> => ({
    ...await ask(subject),
    ownerMicros: NaN,
  });
  const subjects: Record<string, () => Promise<Round>> = {
    ours: async () => {
      const before = await owner.ask<number>("processorMicros");
      const load = await ask("ours");
      const after = await owner.ask<number>("processorMicros");
      return { ...load, ownerMicros: (after - before) / load.calls };
    },
    "bare fetch": alone("bare"),
  };
  if (others.redis !== undefined) {
    const port = await startRedis(others.redis, stack);
    for (const client of ["ioredis", "redis"]) {
      await caller.ask("redis", { port, count, client, bytes });
      subjects[client] = alone(client);
    }
  }
  const go = others.go !== undefined && bytes === 1024 && !isIndependent
    ? await goSubject(others.go, callers, stack)
    : undefined;
  if (go !== undefined) subjects["Go groupcache"] = go;
  // Channels are opened beside calls, and compilers take their time.
  for (let i = 0; i < 3; i++) await ask("ours", 500);
  const figures = await inTurns(ROUNDS, subjects);
  const name = `${callers} ${isIndependent ? "independent" : "in lockstep"}, ${bytes} bytes`;
  const rows = Object.entries(figures).map(([subject, rounds]) =>
    rowOf(`${name}: ${subject}`, rounds)
  );
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

function rowOf(name: string, rounds: readonly Round[]): Row {
  const figure = (of: (round: Round) => number, digits: number): number | string => {
    const value = median(rounds.map(of));
    return Number.isNaN(value) ? "" : round(value, digits);
  };
  return {
    case: name,
    figures: {
      "keys/s": figure(({ perSecond }) => perSecond, 0),
      "p50 µs": figure(({ p50 }) => p50 * 1000, 0),
      "p99 µs": figure(({ p99 }) => p99 * 1000, 0),
      "caller's µs/key": figure(({ micros }) => micros, 2),
      "owner's µs/key": figure(({ ownerMicros }) => ownerMicros, 2),
    },
  };
}
