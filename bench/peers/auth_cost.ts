import { median, round, type Row } from "../report.ts";
import { type Bar, inTurns, ratio } from "./bench.ts";
import { type Node, startCluster } from "./processes.ts";

const KEYS = 10_000;
const CALLERS = 64;
const ROUNDS = 9;
const MS = 500;
/** What proofs may cost. */
const LIMIT = 0.05;

/** Hits in the memory of another process, with `auth` and without. */
export const authCost: Bar = async ({ runtime }) => {
  await using stack = new AsyncDisposableStack();
  const [open, closed] = await Promise.all(["", "1"].map(async (auth) => {
    const env = { GROUPCACHE_BENCH_AUTH: auth };
    const [caller, owner] = await startCluster(runtime, 2, stack, env) as [Node, Node];
    await caller.ask("keys", { owners: owner.url, count: KEYS });
    return caller;
  })) as [Node, Node];
  const throughput = (node: Node) => () =>
    node.ask<number>("throughput", { subject: "ours", callers: CALLERS, ms: MS });
  const p50 = (node: Node) => async () =>
    (await node.ask<{ p50: number }>("latency", { subject: "ours", ms: MS })).p50;
  const many = await inTurns(ROUNDS, { open: throughput(open), closed: throughput(closed) });
  const one = await inTurns(ROUNDS, { open: p50(open), closed: p50(closed) });
  const row = (name: string, unit: string, values: Record<string, number[]>, cost: number): Row => {
    const { open = [], closed = [] } = values;
    return {
      case: name,
      figures: {
        [`${unit}, without`]: round(median(open), 0),
        [`${unit}, with auth`]: round(median(closed), 0),
        "costs": `${round(cost * 100, 1)} %`,
      },
      isMet: cost <= LIMIT,
    };
  };
  const inMicros = (values: number[] = []) => values.map((value) => value * 1000);
  return {
    bar: "Owner hits with and without auth",
    limit: `at most ${LIMIT * 100} % of the throughput, and of the median of one caller`,
    rows: [
      row(`${CALLERS} callers`, "keys/s", many, 1 - ratio(many["closed"], many["open"])),
      row(
        "one caller",
        "p50 µs",
        { open: inMicros(one["open"]), closed: inMicros(one["closed"]) },
        ratio(one["closed"], one["open"]) - 1,
      ),
    ],
  };
};
