import { round } from "../report.ts";
import { type Bar, servedBy } from "./bench.ts";
import { type Node, startCluster } from "./processes.ts";

const PROCESSES = 3;
const KEYS = 100_000;
const EXPONENT = 1.1;
const WARM_MS = 6000;
const MS = 4000;
const LIMIT = 1.2;

/** All processes ask for keys of a Zipf distribution, some of which are very popular. */
export const zipf: Bar = async ({ runtime }) => {
  await using stack = new AsyncDisposableStack();
  const nodes = await startCluster(runtime, PROCESSES, stack);
  const run = async (ms: number) => {
    const before = await Promise.all(nodes.map(servedBy));
    const perSecond = await Promise.all(
      nodes.map((node) => node.ask<number>("zipf", { keys: KEYS, exponent: EXPONENT, ms })),
    );
    const after = await Promise.all(nodes.map(servedBy));
    return { perSecond, served: after.map((count, index) => count - (before[index] ?? 0)) };
  };
  await run(WARM_MS);
  const { perSecond, served } = await run(MS);
  const hottest = await (nodes[0] as Node).ask<string>("ownerOf", { key: "user:0" });
  const mean = served.reduce((sum, count) => sum + count, 0) / PROCESSES;
  const most = (served[nodes.findIndex(({ url }) => url === hottest)] ?? NaN) / mean;
  return {
    bar: `Zipf ${EXPONENT} over 100,000 keys, three processes`,
    limit: `the owner of the hottest key does at most ${LIMIT} times the mean of peer work`,
    rows: nodes.map(({ url }, index) => ({
      case: url === hottest ? "owner of the hottest key" : "another",
      figures: {
        "gets/s": Math.round(perSecond[index] ?? NaN),
        "served to peers": served[index] ?? NaN,
        "of the mean": `${round((served[index] ?? NaN) / mean)} times`,
      },
      ...(url === hottest ? { isMet: most <= LIMIT } : {}),
    })),
  };
};
