import type { GroupStats } from "../../mod.ts";
import { spawn } from "../../tests/processes/child.ts";
import type { Runtime } from "../../tests/runtime.ts";
import { type Node, started } from "../peers/processes.ts";

const KEYS = 2000;
/** The time for the processes to exchange hellos, in milliseconds. */
const WARM_UP = { ms: 10_000, perSecond: 400 };

/** A process that makes the calls, and its configuration. */
export interface Caller {
  name: string;
  node: Node;
}

/** Two processes that own the keys, and two that request them. */
export interface HedgingCluster {
  owners: readonly Node[];
  without: Caller;
  withHedging: Caller;
}

/** Starts a cluster in which one caller hedges and the other does not. */
export async function startHedgingCluster(
  runtime: Runtime,
  stack: AsyncDisposableStack,
): Promise<HedgingCluster> {
  const startNode = (...args: string[]) => started(spawn("bench/hedge/node.ts", { runtime, args }));
  const nodes = await Promise.all([
    startNode("--hedge"),
    startNode("--hedge"),
    startNode(),
    startNode("--hedge"),
  ]);
  for (const node of nodes) stack.use(node);
  const [first, second, without, withHedging] = nodes;
  const urls = nodes.map(({ url }) => url).join();
  await Promise.all(nodes.map((node) => node.ask("peers", { urls })));
  const owners = [first, second];
  for (const node of nodes) {
    await node.ask("keys", { owners: owners.map(({ url }) => url).join(), count: KEYS });
  }
  await Promise.all(nodes.map((node) => node.ask("latencies", WARM_UP)));
  return {
    owners,
    without: { name: "without hedging", node: without },
    withHedging: { name: "with hedging", node: withHedging },
  };
}

/** The counters of a caller. */
export function statsOf({ node }: Caller): Promise<GroupStats> {
  return node.ask<GroupStats>("stats");
}
