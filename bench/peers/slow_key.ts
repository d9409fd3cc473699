import { median, round } from "../report.ts";
import { type Bar, inTurns } from "./bench.ts";
import { type Node, startCluster } from "./processes.ts";

const KEYS = 10_000;
const BATCH = 64;
const ROUNDS = 3;
const MS = 3000;
const LIMIT = 2;

/** What a batch's other keys take, in milliseconds, with and without a key that takes 1 s. */
export interface SlowKeyTimes {
  withSlow: { p50: number; p99: number };
  without: { p50: number; p99: number };
}

/** Batches in which one key takes a second to load, in turn with batches of hits only. */
export const slowKey: Bar = async ({ runtime }) => {
  await using stack = new AsyncDisposableStack();
  const [caller, owner] = await startCluster(runtime, 2, stack) as [Node, Node];
  await caller.ask("keys", { owners: owner.url, count: KEYS });
  const { times = [] } = await inTurns(ROUNDS, {
    times: () => caller.ask<SlowKeyTimes>("slowKey", { batch: BATCH, ms: MS, owner: owner.url }),
  });
  const figure = (of: keyof SlowKeyTimes, share: "p50" | "p99") =>
    round(median(times.map((time) => time[of][share])));
  const ratioOf = median(times.map(({ withSlow, without }) => withSlow.p99 / without.p99));
  return {
    bar: "One key of a batch takes 1 s to load",
    limit: `the others' p99 at most ${LIMIT} times that of a batch without it`,
    rows: [
      {
        case: "63 hits and the slow key",
        figures: { "p50 ms": figure("withSlow", "p50"), "p99 ms": figure("withSlow", "p99") },
      },
      {
        case: "64 hits",
        figures: {
          "p50 ms": figure("without", "p50"),
          "p99 ms": figure("without", "p99"),
          "with it, p99": `${round(ratioOf)} times`,
        },
        isMet: ratioOf <= LIMIT,
      },
    ],
  };
};
