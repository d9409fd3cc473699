import type { Runtime } from "../../tests/runtime.ts";
import type { Row } from "../report.ts";
import type { Cluster } from "./cluster.ts";
import type { Demand } from "./callers.ts";
import type { NetworkKind } from "./network.ts";
import type { Traffic } from "./traffic.ts";

/** Options for a scenario. */
export interface Chaos {
  /** The runtimes of the processes, in turn. */
  runtimes: readonly Runtime[];
  /** @default namespaces if available, otherwise faults */
  network: NetworkKind | undefined;
  /** Ends everything that a scenario starts, even if it is interrupted. */
  stack: AsyncDisposableStack;
  /** Records a cluster, for the trace. */
  watch(cluster: Cluster): void;
}

/** Disturbs a cluster and reports whether the claims hold. */
export type Scenario = (chaos: Chaos) => Promise<Row[]>;

/** 200 callers in five processes, which leave two cores time for everything else. */
export const STEADY: Readonly<Demand> = {
  callers: 40,
  keys: 2000,
  newKeysPerSecond: 0,
  thinkMs: 150,
};

/** The same, with a steady supply of keys that were not loaded before. */
export const CHANGING: Readonly<Demand> = { ...STEADY, newKeysPerSecond: 100 };

/** Checks that no call failed. */
export function noFailures(traffic: Traffic): Row {
  const { gets, failures } = traffic;
  return {
    case: "failed gets",
    figures: { figure: `${failures.length} of ${gets}`, bar: "0" },
    isMet: gets > 0 && failures.length === 0,
  };
}

/** Checks that a figure does not exceed its bar. */
export function atMost(what: string, figure: number, bar: number, of = ""): Row {
  return { case: what, figures: { figure, bar: `${bar}${of}` }, isMet: figure <= bar };
}
