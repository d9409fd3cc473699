import { pause } from "../peers/calls.ts";
import { round } from "../report.ts";
import { Cluster } from "./cluster.ts";
import type { Member } from "./member.ts";
import { atMost, CHANGING, noFailures, type Scenario } from "./scenario.ts";

const WARM_MS = 4000;
const HEALTHY_MS = 5000;
const FROZEN_MS = 20_000;
const GRACE_MS = 2000;
const BACK_MS = 5000;

/** One process is frozen (SIGSTOP) and continues later. */
export const freeze: Scenario = async ({ runtimes, stack, watch }) => {
  const cluster = await Cluster.start(5, stack, { runtimes });
  watch(cluster);
  await cluster.getAll(CHANGING);
  await cluster.startCallers(CHANGING);
  await pause(WARM_MS);
  const healthyMs = Date.now();
  await pause(HEALTHY_MS);

  const [frozen, ...others] = cluster.members as [Member, ...Member[]];
  await frozen.tell("forgetAskers", {});
  const frozenMs = Date.now();
  cluster.note(`${frozen.url} is frozen`);
  frozen.freeze();
  await pause(FROZEN_MS);
  const thawedMs = Date.now();
  cluster.note(`${frozen.url} goes on`);
  frozen.thaw();
  // It now answers the requests that arrived before it was frozen.
  await frozen.tell("forgetAskers", {});
  let askers = 0;
  while (askers < others.length && Date.now() < thawedMs + BACK_MS) {
    await pause(50);
    askers = await frozen.tell("askers", {});
  }
  const backMs = Date.now() - thawedMs;
  await cluster.stopCallers();

  const traffic = cluster.traffic(others);
  const graceMs = frozenMs + GRACE_MS;
  const healthy = round(traffic.percentileMs(0.99, healthyMs, frozenMs));
  const first = round(traffic.percentileMs(0.99, frozenMs, graceMs));
  const then = round(traffic.percentileMs(0.99, graceMs, thawedMs));
  return [
    noFailures(cluster.traffic()),
    { case: "p99 while all are healthy, ms", figures: { figure: healthy } },
    { case: "p99 in the first 2 s, ms", figures: { figure: first } },
    atMost("p99 after the first 2 s, ms", then, 2 * healthy),
    {
      ...atMost("used again by all after, ms", backMs, BACK_MS),
      isMet: askers === others.length,
    },
  ];
};
