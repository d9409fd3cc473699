import { median, round } from "../store/report.ts";
import { type Bar, inTurns, ratio } from "./bench.ts";
import { type Node, startBareServer, startCluster } from "./processes.ts";

const KEYS = 10_000;
const ROUNDS = 7;
const MS = 500;
const LIMIT = 1.25;

interface Latency {
  p50: number;
  p99: number;
}

/** One caller, each `get` a hit in the memory of the other process. */
export const oneCaller: Bar = async ({ runtime }) => {
  await using stack = new AsyncDisposableStack();
  const [caller, owner] = await startCluster(runtime, 2, stack) as [Node, Node];
  await caller.ask("keys", { owners: owner.url, count: KEYS });
  const { url: target } = stack.use(await startBareServer(runtime));
  await caller.ask("bare", { target });
  const measure = (subject: string) => () => caller.ask<Latency>("latency", { subject, ms: MS });
  const { ours = [], bare = [] } = await inTurns(ROUNDS, {
    ours: measure("ours"),
    bare: measure("bare"),
  });
  const micros = (values: number[]) => round(median(values) * 1000, 0);
  const times = (share: "p50" | "p99") =>
    ratio(ours.map((latency) => latency[share]), bare.map((latency) => latency[share]));
  return {
    bar: "One caller at a time, owner hits",
    limit: `p50 at most ${LIMIT} times a bare fetch`,
    rows: [
      {
        case: "ours",
        figures: {
          "p50 µs": micros(ours.map(({ p50 }) => p50)),
          "p99 µs": micros(ours.map(({ p99 }) => p99)),
        },
      },
      {
        case: "bare fetch",
        figures: {
          "p50 µs": micros(bare.map(({ p50 }) => p50)),
          "p99 µs": micros(bare.map(({ p99 }) => p99)),
          "ours takes, p50": `${round(times("p50"))} times`,
          "p99": `${round(times("p99"))} times`,
        },
        isMet: times("p50") <= LIMIT,
      },
    ],
  };
};
