import { pause } from "../peers/calls.ts";
import { Cluster } from "./cluster.ts";
import type { Member } from "./member.ts";
import { atMost, CHANGING, noFailures, type Scenario } from "./scenario.ts";

const WARM_MS = 2000;
const KILLS = 7;
const EVERY_MS = 2000;

/** One random process after another is killed and restarted. */
export const kill: Scenario = async ({ runtimes, stack, watch }) => {
  const cluster = await Cluster.start(5, stack, { runtimes });
  watch(cluster);
  await cluster.startCallers(CHANGING);
  await pause(WARM_MS);

  let died = 0;
  for (let kills = 0; kills < KILLS; kills++) {
    const next = pause(EVERY_MS);
    const victim = cluster.members[Math.floor(Math.random() * 5)] as Member;
    died += (await victim.tell("stats", {})).main.items;
    cluster.note(`${victim.url} is killed`);
    await victim.kill();
    await cluster.restart(victim);
    cluster.note(`${victim.url} is back`);
    await cluster.startCallers(CHANGING, [victim]);
    await next;
  }
  await cluster.stopCallers();

  const { loads } = cluster.origin;
  // Whatever was asked for was loaded at least once, if by a caller who died since.
  const distinct = cluster.origin.loadsByKey().size;
  return [
    noFailures(cluster.traffic()),
    atMost(
      "loads",
      loads.length,
      Math.floor(1.15 * distinct + died),
      ` (1.15 x ${distinct} keys + ${died} that died)`,
    ),
  ];
};
