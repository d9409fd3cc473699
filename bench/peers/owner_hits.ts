import { median, round, type Row } from "../store/report.ts";
import { type Bar, inTurns, ratio, skipped } from "./bench.ts";
import { type Node, startBareServer, startCluster, startGo, startRedis } from "./processes.ts";

const KEYS = 10_000;
const CALLERS = 64;
const ROUNDS = 5;
const MS = 600;

const LIMITS = { deno: { bare: 4, go: 2.5 }, bun: { bare: 2.5, go: 5 } };

/** 64 callers, each `get` a hit in the memory of the other process. */
export const ownerHits: Bar = async ({ runtime, others }) => {
  await using stack = new AsyncDisposableStack();
  const [caller, owner] = await startCluster(runtime, 2, stack) as [Node, Node];
  await caller.ask("keys", { owners: owner.url, count: KEYS });
  const { url: target } = stack.use(await startBareServer(runtime));
  await caller.ask("bare", { target });
  const measure = (subject: string) => () =>
    caller.ask<number>("throughput", { subject, callers: CALLERS, ms: MS });
  const subjects: Record<string, () => Promise<number>> = {
    ours: measure("ours"),
    bare: measure("bare"),
  };
  if (others.go !== undefined) {
    const goOwner = stack.use(await startGo(others.go, "owner"));
    const goCaller = stack.use(await startGo(others.go, "caller"));
    await goCaller.ask("peers", { urls: goOwner.url });
    subjects["go"] = () =>
      goCaller.ask<number>("throughput", { callers: CALLERS, ms: MS, keys: KEYS });
  }
  if (others.redis !== undefined) {
    const port = await startRedis(others.redis, stack);
    await caller.ask("redis", { port, count: KEYS });
    subjects["redis"] = measure("redis");
  }

  const figures = await inTurns(ROUNDS, subjects);
  const limits = LIMITS[runtime];
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
    if (limit === undefined) return row;
    row.figures["limit"] = limit;
    return { ...row, isMet: times >= limit };
  };
  return {
    bar: "64 concurrent gets of owner hits",
    limit: `at least ${limits.bare} times a bare fetch and ${limits.go} times Go groupcache`,
    rows: [
      row("ours", "ours"),
      row("bare fetch", "bare", limits.bare),
      row("Go groupcache", "go", limits.go),
      row("Redis, pipelined", "redis"),
    ],
  };
};
