import { median, round } from "../report.ts";
import { type Bar, inTurns, ratio } from "./bench.ts";
import { type Node, startCluster, startNode } from "./processes.ts";

const ROUNDS = 7;
const LIMIT = 1.1;

/** A hit in the process's own memory, with peers that ask it for keys and without. */
export const localHit: Bar = async ({ runtime }) => {
  await using stack = new AsyncDisposableStack();
  const [peer, other] = await startCluster(runtime, 2, stack) as [Node, Node];
  const alone = stack.use(await startNode(runtime));
  // Their calls are over when the hits are timed: what they leave behind is what may cost.
  await other.ask("keys", { owners: peer.url, count: 10_000 });
  const measure = (node: Node) => () => node.ask<number>("localHit", {});
  const figures = await inTurns(ROUNDS, { peer: measure(peer), alone: measure(alone) });
  const times = ratio(figures["peer"], figures["alone"]);
  return {
    bar: "A local hit",
    limit: `at most ${LIMIT} times what it costs in a process without peers`,
    rows: [
      {
        case: "without peers",
        figures: { "ns": Math.round(median(figures["alone"] ?? [])) },
      },
      {
        case: "with peers",
        figures: {
          "ns": Math.round(median(figures["peer"] ?? [])),
          "of that without": `${round(times)} times`,
        },
        isMet: times <= LIMIT,
      },
    ],
  };
};
