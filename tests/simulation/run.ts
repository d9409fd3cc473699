import { Cluster } from "./cluster.ts";
import type { Read } from "./history.ts";
import type { Operation, Plan } from "./plan.ts";
import type { Violation } from "./rules/rule.ts";
import type { Subject } from "./subject.ts";
import type { Trace } from "./trace.ts";
import { World } from "./world.ts";

/** What came of a run. */
export interface Outcome {
  readonly plan: Plan;
  readonly violations: readonly Violation[];
  readonly trace: Trace;
  /** How much was done. */
  readonly steps: number;
}

/** When all keys are read in all processes, after the end of all faults, in milliseconds. */
const ROUNDS_MS = [500, 4000, 8000, 12_000];
/** When they are read for the last time: nothing has been wrong for longer than the rules' grace. */
const LAST_ROUND_MS = 25_000;
/** When no call may be left. */
const SETTLED_MS = 90_000;
/** How long after their close nothing may be left of processes. */
const CLOSED_MS = 40_000;

const MEMORY_CHECK_MS = 1000;

/** Does what a plan says, with the real code, and checks the rules all along. */
export async function run(plan: Plan, subject: Subject): Promise<Outcome> {
  const world = new World(subject, plan);
  const { scheduler, rules, trace } = world;
  const cluster = new Cluster(world);
  for (const action of plan.actions) scheduler.at(action.atMs, () => cluster.do(action));
  for (let atMs = 0; atMs < plan.healAtMs; atMs += MEMORY_CHECK_MS) {
    scheduler.at(atMs, () => checkMemory(world));
  }
  const { healAtMs } = plan;
  scheduler.at(healAtMs, () => {
    world.note("WORLD", "all faults end");
    cluster.heal();
  });
  for (const afterMs of ROUNDS_MS) scheduler.at(healAtMs + afterMs, () => readAll(world, cluster));
  const last: Read[] = [];
  scheduler.at(healAtMs + LAST_ROUND_MS, () => {
    world.note("WORLD", "all keys are read for the last time");
    readAll(world, cluster, (read) => last.push(read));
  });
  let steps = await scheduler.runUntil(healAtMs + SETTLED_MS);
  rules.end(last);
  checkMemory(world);
  cluster.callers.reportPending();
  for (const node of cluster.up) node.leave(0);
  steps += await scheduler.runUntil(healAtMs + SETTLED_MS + CLOSED_MS);
  checkLeftovers(world);
  return { plan, violations: rules.violations, trace, steps };
}

function readAll(world: World, cluster: Cluster, onRead?: (read: Read) => void): void {
  const { keys, groups } = world.plan;
  for (const node of cluster.up) {
    for (const group of groups.keys()) {
      for (const key of keys) {
        const operation: Operation = { kind: "get", group, key, abortAfterMs: Infinity };
        node.gate.enter(() => cluster.callers.call(node, operation, onRead));
      }
    }
  }
}

function checkMemory({ plan, rules, nodes }: World): void {
  for (const node of nodes) {
    if (!node.isUp) continue;
    for (const [index, { name, maxBytes }] of plan.groups.entries()) {
      const stats = node.group(index)?.group.stats();
      const bytes = (stats?.main.bytes ?? 0) + (stats?.hot.bytes ?? 0);
      if (bytes <= maxBytes) continue;
      const what = `${node.name}'s group ${name} takes ${bytes} bytes of ${maxBytes}`;
      rules.report({ rule: "memory", key: undefined, what });
    }
  }
}

function checkLeftovers({ rules, network, nodes }: World): void {
  for (const node of nodes) {
    if (node.gate.isDead && !node.isClosed) continue;
    const timers = node.clock.pendingTimers;
    const requests = network.openExchanges(node);
    if (timers === 0 && requests === 0 && node.isClosed) continue;
    rules.report({
      rule: "leftover",
      key: undefined,
      what: node.isClosed
        ? `${node.name} was closed and has ${timers} timers and ${requests} requests left`
        : `${node.name} did not close`,
    });
  }
}
