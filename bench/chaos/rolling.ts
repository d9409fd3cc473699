import { pause } from "../peers/calls.ts";
import { Cluster } from "./cluster.ts";
import { atMost, noFailures, type Scenario, STEADY } from "./scenario.ts";

const WARM_MS = 1000;
const DRAIN_MS = 2000;
const SETTLE_MS = 500;

/** All processes leave and are restarted, one after another. */
export const rolling: Scenario = async ({ runtimes, stack, watch }) => {
  const cluster = await Cluster.start(5, stack, { runtimes });
  watch(cluster);
  await cluster.getAll(STEADY);
  await cluster.startCallers(STEADY);
  await pause(WARM_MS);

  const before = cluster.origin.loads.length;
  for (const member of cluster.members) {
    cluster.note(`${member.url} leaves`);
    await member.leave(DRAIN_MS);
    cluster.note(`${member.url} has left`);
    await cluster.restart(member);
    cluster.note(`${member.url} is back`);
    await cluster.startCallers(STEADY, [member]);
    await pause(SETTLE_MS);
  }
  await pause(WARM_MS);
  await cluster.stopCallers();

  return [
    noFailures(cluster.traffic()),
    atMost(
      "keys loaded again",
      cluster.origin.loads.length - before,
      0.05 * STEADY.keys,
      ` (5 % of ${STEADY.keys})`,
    ),
  ];
};
