import { round } from "../report.ts";
import { type Bar, servedBy } from "./bench.ts";
import { startCluster } from "./processes.ts";

const CALLS_PER_SECOND = 5000;
const BEFORE_MS = 2000;
const MS = 4000;
const LIMIT = 0.01;

/** Two processes ask for nothing but one key of the third, at a steady rate. */
export const hotKey: Bar = async ({ runtime }) => {
  await using stack = new AsyncDisposableStack();
  const [owner, ...callers] = await startCluster(runtime, 3, stack);
  if (owner === undefined) throw new Error("no process");
  const run = async (ms: number) => {
    const served = await servedBy(owner);
    const calls = await Promise.all(
      callers.map((caller) =>
        caller.ask<number>("oneKey", { owner: owner.url, ms, perSecond: CALLS_PER_SECOND })
      ),
    );
    const sum = calls.reduce((sum, count) => sum + count, 0);
    return { calls: sum, served: await servedBy(owner) - served };
  };
  const row = (name: string, { calls, served }: { calls: number; served: number }) => ({
    case: name,
    figures: {
      "calls": calls,
      "at the owner": served,
      "share": `${round(served / calls * 100)} %`,
    },
  });
  const before = row("the first 2 s", await run(BEFORE_MS));
  const after = await run(MS);
  return {
    bar: "All traffic on one key owned elsewhere, three processes",
    limit: `after 2 s the owner gets at most ${LIMIT * 100} % of the calls`,
    rows: [
      before,
      { ...row("the next 4 s", after), isMet: after.served / after.calls <= LIMIT },
    ],
  };
};
