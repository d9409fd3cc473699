import type { Runtime } from "../../tests/runtime.ts";
import type { Row } from "../store/report.ts";
import type { Cluster } from "./cluster.ts";
import type { Demand } from "./callers.ts";
import type { NetworkKind } from "./network.ts";
import type { Traffic } from "./traffic.ts";

/** What a scenario is run with. */
export interface Chaos {
  /** The runtimes of the processes, in turn. */
  runtimes: readonly Runtime[];
  /** @default namespaces where they can be had, else faults */
  network: NetworkKind | undefined;
  /** Ends all that a scenario starts, also when it is not finished. */
  stack: AsyncDisposableStack;
  /** Takes note of a cluster, to be able to tell what went on in it. */
  watch(cluster: Cluster): void;
}

/** Does something to a cluster and says whether what was promised holds. */
export type Scenario = (chaos: Chaos) => Promise<Row[]>;

/** 200 callers over five processes, who leave two cores time for all else. */
export const STEADY: Readonly<Demand> = {
  callers: 40,
  keys: 2000,
  newKeysPerSecond: 0,
  thinkMs: 150,
};

/** The same, with keys that nobody has loaded yet all the time. */
export const CHANGING: Readonly<Demand> = { ...STEADY, newKeysPerSecond: 100 };

/** That no call failed. */
export function noFailures(traffic: Traffic): Row {
  const { gets, failures } = traffic;
  return {
    case: "failed gets",
    figures: { figure: `${failures.length} of ${gets}`, bar: "0" },
    isMet: gets > 0 && failures.length === 0,
  };
}

/** That a figure is not above its bar. */
export function atMost(what: string, figure: number, bar: number, of = ""): Row {
  return { case: what, figures: { figure, bar: `${bar}${of}` }, isMet: figure <= bar };
}
