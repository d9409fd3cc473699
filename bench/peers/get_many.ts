import { median, round, type Row } from "../report.ts";
import { type Bar, inTurns, ratio, skipped } from "./bench.ts";
import { startCluster, startGo } from "./processes.ts";

const OWNERS = 3;
const KEYS = 9000;
const BATCH = 100;
const ROUNDS = 5;
const MS = 600;
const LIMIT = 10;

/** One caller that asks for 100 keys at a time, hits in the memory of three other processes. */
export const getMany: Bar = async ({ runtime, others }) => {
  await using stack = new AsyncDisposableStack();
  const [caller, ...owners] = await startCluster(runtime, 1 + OWNERS, stack);
  if (caller === undefined) throw new Error("no process");
  await caller.ask("keys", { owners: owners.map(({ url }) => url).join(), count: KEYS });
  const subjects: Record<string, () => Promise<number>> = {
    ours: () => caller.ask("many", { batch: BATCH, ms: MS }),
  };
  if (others.go !== undefined) {
    const { go } = others;
    const goOwners = await Promise.all(Array.from({ length: OWNERS }, () => startGo(go, "owner")));
    for (const owner of goOwners) stack.use(owner);
    const goCaller = stack.use(await startGo(go, "caller"));
    await goCaller.ask("peers", { urls: goOwners.map(({ url }) => url).join() });
    const gets = (callers: number) => () =>
      goCaller.ask<number>("throughput", { callers, ms: MS, keys: KEYS });
    subjects["go"] = gets(1);
    subjects["goAtOnce"] = gets(BATCH);
  }

  const figures = await inTurns(ROUNDS, subjects);
  const row = (name: string, subject: string, limit?: number): Row => {
    const perSecond = figures[subject];
    if (perSecond === undefined) return skipped(name);
    const times = ratio(figures["ours"], perSecond);
    const row: Row = {
      case: name,
      figures: {
        "keys/s": Math.round(median(perSecond)),
        "ours is": subject === "ours" ? "" : `${round(times)} times`,
      },
    };
    return limit === undefined ? row : { ...row, isMet: times >= limit };
  };
  return {
    bar: "getMany of 100 keys over three peers",
    limit: `at least ${LIMIT} times 100 gets against Go groupcache`,
    rows: [
      row("ours, one getMany", "ours"),
      row("Go, 100 gets one after another", "go", LIMIT),
      row("Go, 100 gets at once", "goAtOnce"),
    ],
  };
};
