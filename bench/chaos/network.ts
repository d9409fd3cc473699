import type { ClusterOptions } from "./cluster.ts";
import type { CutKind } from "./faults.ts";
import type { Member } from "./member.ts";

/** The processes on either side of a split network. */
export type Sides = readonly [readonly Member[], readonly Member[]];

/** A network that can be split, with three processes on one side and two on the other. */
export interface Network extends Disposable {
  /** The options for a cluster on this network. */
  readonly cluster: Omit<ClusterOptions, "runtimes">;
  cut(sides: Sides, kind: CutKind): void | Promise<void>;
  heal(sides: Sides, kind: CutKind): void | Promise<void>;
}

/** How the network is split: by the system, or by faults in the fetch function. */
export type NetworkKind = "namespaces" | "faults";
