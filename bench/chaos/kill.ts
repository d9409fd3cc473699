import { pause } from "../peers/calls.ts";
import { Cluster } from "./cluster.ts";
import type { Member } from "./member.ts";
import type { Load } from "./origin.ts";
import { atMost, CHANGING, noFailures, type Scenario } from "./scenario.ts";

const WARM_MS = 2000;
const KILLS = 7;
const EVERY_MS = 2000;

/** Random processes are killed and restarted, one after another. */
export const kill: Scenario = async ({ runtimes, stack, watch }) => {
  const cluster = await Cluster.start(5, stack, { runtimes });
  watch(cluster);
  await cluster.startCallers(CHANGING);
  await pause(WARM_MS);

  const deaths: Death[] = [];
  let died = 0;
  for (let kills = 0; kills < KILLS; kills++) {
    const next = pause(EVERY_MS);
    const victim = cluster.members[Math.floor(Math.random() * 5)] as Member;
    died += (await victim.tell("stats", {})).main.items;
    cluster.note(`${victim.url} is killed`);
    deaths.push({ url: victim.url, atMs: Date.now() });
    await victim.kill();
    await cluster.restart(victim);
    cluster.note(`${victim.url} is back`);
    await cluster.startCallers(CHANGING, [victim]);
    await next;
  }
  await cluster.stopCallers();

  const { loads } = cluster.origin;
  // Every requested key was loaded at least once, possibly for a caller that died since.
  const distinct = cluster.origin.loadsByKey().size;
  return [
    noFailures(cluster.traffic()),
    atMost(
      "loads",
      loads.length,
      Math.floor(1.15 * distinct + died),
      ` (1.15 x ${distinct} keys + ${died} that died)`,
    ),
    {
      case: "loads again while the process that loaded before lived",
      figures: { figure: neverDied(loads, deaths) },
    },
  ];
};

interface Death {
  url: string;
  atMs: number;
}

/** How many keys were loaded again although the process that had loaded them had not died. */
function neverDied(loads: readonly Load[], deaths: readonly Death[]): number {
  const before = new Map<string, Load>();
  let count = 0;
  for (const load of loads) {
    const earlier = before.get(load.key);
    before.set(load.key, load);
    if (earlier === undefined) continue;
    const hasDied = deaths.some(({ url, atMs }) =>
      url === earlier.by && atMs >= earlier.atMs && atMs <= load.atMs
    );
    if (!hasDied) count++;
  }
  return count;
}
