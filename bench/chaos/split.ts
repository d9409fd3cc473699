import type { CutKind } from "./faults.ts";
import { pause } from "../peers/calls.ts";
import type { Row } from "../report.ts";
import { Cluster } from "./cluster.ts";
import { FaultyNetwork } from "./faulty_network.ts";
import { NamespaceNetwork } from "./namespace_network.ts";
import { atMost, CHANGING, type Chaos, noFailures, type Scenario } from "./scenario.ts";

const WARM_MS = 2000;
const SPLIT_MS = 5000;
const GRACE_MS = 2000;
const HEAL_MS = 5000;
/** How long it must stay healed, in milliseconds. */
const STAYS_MS = 1500;
const SAMPLE_KEYS = 100;

/** The network between three processes and two others is split, and heals. */
export const split: Scenario = async (chaos) => [
  ...await splitBy("refuse", chaos),
  ...await splitBy("hang", chaos),
];

async function splitBy(kind: CutKind, chaos: Chaos): Promise<Row[]> {
  const { runtimes, network: told, watch } = chaos;
  // Networks use the same addresses: one must end before the next begins.
  await using stack = new AsyncDisposableStack();
  chaos.stack.use(stack);
  const inSpaces = told === "faults" ? undefined : NamespaceNetwork.make();
  if (told === "namespaces" && inSpaces === undefined) throw new Error("Cannot make namespaces");
  const network = stack.use(inSpaces ?? new FaultyNetwork());
  const cluster = await Cluster.start(5, stack, { runtimes, ...network.cluster });
  watch(cluster);
  const sides = [cluster.members.slice(0, 3), cluster.members.slice(3)] as const;
  await cluster.startCallers(CHANGING);
  await pause(WARM_MS);

  const splitMs = Date.now();
  cluster.note(`the network splits: ${kind}`);
  await network.cut(sides, kind);
  await pause(SPLIT_MS);
  await network.heal(sides, kind);
  const healedMs = Date.now();
  cluster.note("the network has healed");
  const brokenMs = await lastLoadedTwice(cluster, healedMs + HEAL_MS + STAYS_MS);
  await cluster.stopCallers();

  const perSecond = sides.map((members) => {
    const gets = cluster.traffic(members).endedBetween(splitMs + GRACE_MS, healedMs);
    return Math.round(gets / members.length / (SPLIT_MS - GRACE_MS) * 1000);
  });
  const gets = cluster.traffic().endedBetween(splitMs - WARM_MS, splitMs);
  const usual = Math.round(gets / cluster.members.length / WARM_MS * 1000);
  const slower = Math.min(...perSecond);
  return [
    noFailures(cluster.traffic()),
    {
      case: "gets/s of a process on the slower side",
      figures: { figure: slower, bar: `${Math.ceil(usual / 2)} (half of what was)` },
      isMet: slower >= usual / 2,
    },
    atMost("one owner per key after, ms", Math.max(0, brokenMs - healedMs), HEAL_MS),
  ].map((row) => ({ ...row, case: `${inSpaces ? "namespaces" : "faults"}, ${kind}: ${row.case}` }));
}

/** When a new key that all processes request at once was last loaded twice. */
async function lastLoadedTwice(cluster: Cluster, untilMs: number): Promise<number> {
  let lastMs = 0;
  for (let round = 0; Date.now() < untilMs; round++) {
    const before = cluster.origin.loads.length;
    const keys = Array.from({ length: SAMPLE_KEYS }, (_, index) => `round:${round}:${index}`);
    await Promise.all(cluster.members.map((member) => member.tell("get", { keys })));
    const loads = cluster.origin.loadsByKey(before);
    if (keys.some((key) => (loads.get(key) ?? 0) > 1)) lastMs = Date.now();
    await pause(100);
  }
  return lastMs;
}
