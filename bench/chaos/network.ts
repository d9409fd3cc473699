import type { ClusterOptions } from "./cluster.ts";
import type { CutKind } from "./faults.ts";
import type { Member } from "./member.ts";

/** The processes on one side of a split network, and those on the other. */
export type Sides = readonly [readonly Member[], readonly Member[]];

/** A network that can be split, three processes on one side and two on the other. */
export interface Network extends Disposable {
  /** What a cluster on this network is made of. */
  readonly cluster: Omit<ClusterOptions, "runtimes">;
  cut(sides: Sides, kind: CutKind): void | Promise<void>;
  heal(sides: Sides, kind: CutKind): void | Promise<void>;
}

/** How the network is split: by the system, or by faults in the function that asks peers. */
export type NetworkKind = "namespaces" | "faults";
