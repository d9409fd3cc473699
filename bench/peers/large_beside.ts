import { median, type Report, round, type Row } from "../report.ts";
import { type Bar, inTurns, ratio } from "./bench.ts";
import type { Load } from "./calls.ts";
import { type Node, startBareServer, startCluster, startNode } from "./processes.ts";

const KEYS = 2000;
const CALLERS = 8;
const LARGE_BYTES = 1 << 20;
const ROUNDS = 9;
const MS = 800;
/** What the loop may add to the small values' p99, as a factor. */
const LIMIT = 2;

/** Figures of one round. */
interface Round extends Load {
  readonly largePerSecond: number;
}

/**
 * Callers of small values, with a caller beside them that loops over large values of the same owner, and
 * without: of this cache, and of a bare fetch in processes of its own.
 */
export const largeBeside: Bar = async ({ runtime }): Promise<Report> => {
  await using stack = new AsyncDisposableStack();
  const [ours, owner] = await startCluster(runtime, 2, stack) as [Node, Node];
  // The large ones first: they are then in memory, as the small ones are.
  const bytes = LARGE_BYTES;
  await ours.ask("keys", { owners: owner.url, count: 8, bytes });
  await ours.ask("keys", { owners: owner.url, count: KEYS });

  const { url: target } = stack.use(await startBareServer(runtime));
  const bare = stack.use(await startNode(runtime));
  await bare.ask("peers", { urls: bare.url });
  await bare.ask("keys", { owners: bare.url, count: KEYS });
  await bare.ask("bare", { target });
  await bare.ask("bare", { target, bytes, name: "bareLarge" });

  const measure = (node: Node, query: Record<string, string>) => () =>
    node.ask<Round>("loadBeside", { ...query, callers: CALLERS, ms: MS, bytes });
  const loop = { subject: "ours", large: "ours", owner: owner.url };
  const bareLoop = { subject: "bare", large: "bareLarge", owner: bare.url };
  const figures = await inTurns(ROUNDS, {
    "ours, alone": measure(ours, { subject: "ours" }),
    "ours, beside the loop": measure(ours, loop),
    "bare fetch, alone": measure(bare, { subject: "bare" }),
    "bare fetch, beside the loop": measure(bare, bareLoop),
  });
  return {
    bar: `${CALLERS} independent callers of owner hits of 1 KiB, and a loop over values of 1 MiB`,
    limit: `p99 of the small ones at most ${LIMIT} times what it is without the loop`,
    rows: Object.entries(figures).map(([name, rounds]) => {
      const alone = figures[name.replace("beside the loop", "alone")];
      return rowOf(name, rounds, rounds === alone ? undefined : alone);
    }),
  };
};

function rowOf(name: string, rounds: readonly Round[], alone: readonly Round[] | undefined): Row {
  const middle = (of: (round: Round) => number) => median(rounds.map(of));
  const row: Row = {
    case: name,
    figures: {
      "keys/s": round(middle(({ perSecond }) => perSecond), 0),
      "p50 µs": round(middle(({ p50 }) => p50 * 1000), 0),
      "p99 µs": round(middle(({ p99 }) => p99 * 1000), 0),
    },
  };
  if (alone === undefined) return row;
  const p99 = (of: readonly Round[]) => of.map(({ p99 }) => p99);
  const times = ratio(p99(rounds), p99(alone));
  row.figures["MiB/s"] = round(middle(({ largePerSecond }) => largePerSecond), 0);
  row.figures["p99 is"] = `${round(times)} times`;
  if (name.startsWith("ours")) row.isMet = times <= LIMIT;
  return row;
}
