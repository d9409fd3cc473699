import type { ClockError } from "./process_clock.ts";

/** All that a run does, drawn from one seed before it starts. Whatever is left out of it, it runs. */
export interface Plan {
  readonly seed: number;
  /** The name of the profile that it was drawn by. */
  readonly profile: string;
  /** Places where a process may run: each has a URL. */
  readonly places: readonly Place[];
  /** How many of the places have a process at the start. */
  readonly startCount: number;
  readonly groups: readonly GroupPlan[];
  readonly keys: readonly string[];
  readonly cache: CachePlan;
  readonly network: NetworkPlan;
  readonly actions: readonly Action[];
  /** When all faults end, in milliseconds from the start. */
  readonly healAtMs: number;
}

/** What is particular to the processes of a place. */
export interface Place {
  readonly clock: ClockError;
  /** How long after its start its groups are there, as during a deploy. */
  readonly groupsAfterMs: number;
}

/** Options of all caches. */
export interface CachePlan {
  readonly hedge: boolean;
  readonly handoffMs: number;
  readonly peerTimeoutMs: number;
  readonly placement: PlacementName;
  /** Whether processes prove to each other that they belong together. */
  readonly hasAuth: boolean;
  /** How many changes a process remembers. */
  readonly maxChanges: number;
}

/** How keys are placed: as by default, or as Go's implementations do. */
export type PlacementName = "rendezvous" | "golangRing" | "mailgunRing" | "groupcacheGoRing";

/** A group in all processes. */
export interface GroupPlan {
  readonly name: string;
  readonly codec: "text" | "json" | "bytes";
  readonly ttlMs: number;
  readonly maxBytes: number;
  readonly loadTimeoutMs: number;
  readonly mirrorMinuteQps: number;
  readonly mirrorTtlMs: number;
  readonly hasLoadMany: boolean;
  /** Values are padded by up to so many characters. */
  readonly padChars: number;
  /** How long a load takes, on average, and how often it fails in which way. */
  readonly loadMeanMs: number;
  readonly loadFailure: number;
}

/** How messages travel when nothing is wrong. */
export interface NetworkPlan {
  readonly minMs: number;
  readonly meanMs: number;
  /** The share of messages that take `slowMs` longer. */
  readonly slowShare: number;
  readonly slowMs: number;
  /** The share of requests that arrive a second time. */
  readonly doubled: number;
  /** How far apart processes hear of a new list, in milliseconds. */
  readonly listSpreadMs: number;
}

/** Something that is done, at a time in milliseconds from the start, at or by a place. */
export type Action = { readonly atMs: number; readonly place: number } & (Operation | Fault);

/** A call of a group. */
export type Operation = KeyOperation | GetManyOperation;

interface AnyOperation {
  /** The index of the group. */
  readonly group: number;
  /** When its caller leaves; infinite if never. */
  readonly abortAfterMs: number;
}

/** A call for one key. */
export interface KeyOperation extends AnyOperation {
  readonly kind: "get" | "peek" | "set" | "remove";
  readonly key: string;
}

/** A call for several. */
export interface GetManyOperation extends AnyOperation {
  readonly kind: "getMany";
  readonly keys: readonly string[];
  readonly settled: boolean;
}

/** What happens to a process or to its links. */
export type Fault =
  /** A process starts, and all hear of it. */
  | { readonly kind: "join" }
  /**
   * A process closes, with a drain or without; delisted before it does or after. `loses` is the share
   * of its messages that is lost meanwhile.
   */
  | {
    readonly kind: "leave";
    readonly drainMs: number;
    readonly delisted: "before" | "at once" | "after";
    readonly loses: number;
    /** After how long a new process takes its place; infinite if none does. */
    readonly restartMs: number;
  }
  /** A process dies; after a while it is delisted, or a new one takes its place. */
  | { readonly kind: "crash"; readonly forMs: number; readonly isRestarted: boolean }
  | { readonly kind: "freeze"; readonly forMs: number }
  /** Off the list, and back. The process itself goes on, and knows of nothing. */
  | { readonly kind: "flap"; readonly forMs: number }
  /** The links between the place and others are down: out of it, into it, or both ways. */
  | {
    readonly kind: "cut off";
    readonly from: readonly number[];
    readonly ways: "out" | "in" | "both";
    readonly shows: "refused" | "silent";
    readonly forMs: number;
  }
  /** Messages from the place and to it are lost, or break off: all, or changes alone. */
  | {
    readonly kind: "lossy";
    readonly share: number;
    readonly isOfChanges: boolean;
    readonly forMs: number;
  }
  /** Channels from the place and to it break, or hold up what is sent, while other messages pass. */
  | { readonly kind: "channels"; readonly how: ChannelFault; readonly forMs: number }
  /** Its clock is set. */
  | { readonly kind: "clock"; readonly byMs: number };

/** What happens to channels: they break, end, are held up in a direction or both, or never open. */
export type ChannelFault = "reset" | "end" | "held up out" | "held up in" | "held up" | "refused";

export type OperationKind = Operation["kind"];
export type FaultKind = Fault["kind"];

const OPERATIONS: ReadonlySet<string> = new Set<OperationKind>([
  "get",
  "peek",
  "set",
  "remove",
  "getMany",
]);

/** Whether an action is a call, and no fault. */
export function isOperation(
  action: Action,
): action is Operation & { readonly atMs: number; readonly place: number } {
  return OPERATIONS.has(action.kind);
}
