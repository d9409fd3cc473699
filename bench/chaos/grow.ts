import { Cluster } from "./cluster.ts";
import { atMost, type Scenario, STEADY } from "./scenario.ts";

const DEMAND = { ...STEADY, keys: 3000 };

/** A fourth process joins three. */
export const grow: Scenario = async ({ runtimes, stack, watch }) => {
  const cluster = await Cluster.start(3, stack, { runtimes });
  watch(cluster);
  await cluster.getAll(DEMAND);
  const before = cluster.origin.loads.length;
  await cluster.grow();
  cluster.note("there are four");
  const peers = cluster.urls;
  await Promise.all(cluster.members.map((member) => member.tell("setPeers", { peers })));
  const failures = await cluster.getAll(DEMAND);
  return [
    {
      case: "failed gets",
      figures: { figure: `${failures.length} of ${4 * DEMAND.keys}`, bar: "0" },
      isMet: failures.length === 0,
    },
    atMost(
      "keys loaded again",
      cluster.origin.loads.length - before,
      0.02 * DEMAND.keys,
      ` (2 % of ${DEMAND.keys})`,
    ),
  ];
};
