import type { FaultKind, OperationKind, PlacementName } from "./plan.ts";

/** What is likely in the runs of one kind. */
export interface Profile {
  readonly what: string;
  /** @default drawn */
  readonly handoffMs?: number;
  /** How many processes there are at first, and how many more may join. */
  readonly processes: readonly [least: number, most: number];
  readonly spares: number;
  readonly keys: readonly [least: number, most: number];
  /** Until all faults end, in milliseconds. */
  readonly lastsMs: number;
  /** How far apart calls are on average, over all processes, in milliseconds. */
  readonly callsMs: number;
  readonly operations: Readonly<Record<OperationKind, number>>;
  /** How far apart faults are on average, in milliseconds. */
  readonly faultsMs: number;
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  /** In what share of the runs ... */
  readonly hedges: number;
  readonly mirrors: number;
  readonly ttl: number;
  readonly clocksDiffer: number;
  readonly groupsLate: number;
  readonly slow: number;
  /** In what share of the runs messages arrive twice. */
  readonly doubled: number;
  readonly evicts: number;
  readonly loadsFail: number;
  /** How processes leave. */
  readonly leaves?: {
    readonly drains: number;
    readonly delisted: "before" | "at once" | "after";
    /** The share of its messages that is lost meanwhile. */
    readonly loses?: number;
    /** How often new ones take their places. */
    readonly restarts?: number;
  };
  /** What share of messages a lossy link loses. */
  readonly losses?: readonly number[];
  /** How often it loses changes alone. */
  readonly losesChanges?: number;
  /** How far apart processes hear of a new list, in milliseconds. */
  readonly listSpreadMs?: number;
  /** How far behind a change the calls are that come close behind it, in milliseconds. */
  readonly burstsMs?: readonly number[];
  /** How long loads take, on average, in milliseconds. */
  readonly loadMeanMs?: readonly number[];
  /** By how much values are padded, in characters. */
  readonly padChars?: readonly number[];
  /** How keys are placed. */
  readonly placements?: readonly PlacementName[];
  /** In what share of the runs processes have secrets. */
  readonly auth?: number;
  /** How many changes a process remembers. */
  readonly logs?: readonly number[];
}

/** Their names. */
export type ProfileName =
  | "all"
  | "steady"
  | "calm"
  | "join"
  | "drain"
  | "delisted"
  | "drain and loss"
  | "takeover"
  | "flap"
  | "loss"
  | "hedge"
  | "drain of a delisted process"
  | "crash"
  | "split"
  | "freeze"
  | "copies"
  | "deploy"
  | "clocks"
  | "lists differ"
  | "rolling deploy"
  | "hedge while moving"
  | "newcomers"
  | "channels"
  | "worn channels"
  | "short log"
  | "go rings"
  | "auth";

const CALM: Profile = {
  what: "processes that have just started",
  processes: [2, 5],
  spares: 0,
  keys: [3, 10],
  lastsMs: 45_000,
  callsMs: 300,
  operations: { get: 6, getMany: 2, peek: 2, set: 2, remove: 2 },
  faultsMs: Infinity,
  faults: {},
  hedges: 0,
  mirrors: 0.6,
  ttl: 0.3,
  clocksDiffer: 0.3,
  groupsLate: 0,
  slow: 0.2,
  doubled: 0,
  evicts: 0.2,
  loadsFail: 0.3,
};

const MOVING: Profile = {
  ...CALM,
  spares: 3,
  callsMs: 80,
  lastsMs: 15_000,
  faultsMs: 2500,
  operations: { get: 6, getMany: 1, peek: 1, set: 1, remove: 3 },
  ttl: 0,
  evicts: 0,
  clocksDiffer: 0,
  loadsFail: 0,
};

/** The kinds of runs. */
export const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  /** Everything. */
  all: {
    ...CALM,
    what: "everything",
    spares: 3,
    lastsMs: 20_000,
    faultsMs: 1500,
    callsMs: 140,
    faults: {
      join: 4,
      leave: 3,
      crash: 2,
      freeze: 2,
      flap: 3,
      "cut off": 3,
      lossy: 2,
      clock: 2,
      channels: 2,
    },
    hedges: 0.3,
    groupsLate: 0.1,
    placements: ["rendezvous", "rendezvous", "rendezvous", "mailgunRing"],
    logs: [16_384, 16_384, 16_384, 8],
    doubled: 0.2,
    clocksDiffer: 0.5,
  },
  steady: { ...CALM, what: "a list that never changes", handoffMs: 0, slow: 0 },
  calm: CALM,
  join: { ...MOVING, what: "changes while processes join", faults: { join: 1 }, mirrors: 0.3 },
  drain: {
    ...MOVING,
    what: "changes while processes drain, before they are taken off the list",
    processes: [4, 6],
    faults: { leave: 1 },
    leaves: { drains: 1, delisted: "after" },
    mirrors: 0.3,
  },
  delisted: {
    ...MOVING,
    what: "changes after a process was taken off the list that is still there",
    processes: [3, 5],
    faults: { flap: 1 },
    mirrors: 0,
    ttl: 0.5,
  },
  "drain and loss": {
    ...MOVING,
    what: "changes while a process drains and messages to it are lost",
    processes: [4, 6],
    faults: { leave: 1 },
    leaves: { drains: 1, delisted: "after", loses: 0.4 },
    // Loads that are under way keep it from ending.
    loadMeanMs: [300, 1000],
    callsMs: 50,
    keys: [2, 5],
    handoffMs: 0,
    mirrors: 0,
  },
  takeover: {
    ...MOVING,
    what: "values with a time to live are handed over",
    processes: [2, 4],
    keys: [1, 3],
    faults: { leave: 1 },
    leaves: { drains: 1, delisted: "at once" },
    operations: { get: 10, getMany: 1, peek: 1, set: 0.2, remove: 0.2 },
    callsMs: 150,
    ttl: 1,
    mirrors: 0,
  },
  flap: {
    ...MOVING,
    what: "changes while a process is off the list for a moment",
    processes: [3, 5],
    faults: { flap: 1 },
    faultsMs: 3000,
    mirrors: 0.5,
  },
  loss: {
    ...MOVING,
    what: "messages are lost, changes too",
    spares: 0,
    handoffMs: 0,
    faults: { lossy: 1 },
    losses: [0.5, 0.7],
    losesChanges: 0.8,
    burstsMs: [5, 20, 100, 1000],
    mirrors: 1,
    callsMs: 25,
    keys: [1, 3],
    lastsMs: 8000,
  },
  hedge: {
    ...MOVING,
    what: "slow answers, and second requests",
    processes: [3, 4],
    spares: 0,
    faults: {},
    faultsMs: Infinity,
    hedges: 1,
    mirrors: 1,
    slow: 1,
    callsMs: 8,
    keys: [2, 4],
    lastsMs: 6000,
    operations: { get: 20, getMany: 0, peek: 0.2, set: 2, remove: 0.5 },
  },
  "drain of a delisted process": {
    ...MOVING,
    what: "processes drain after they were taken off the list",
    faultsMs: 5000,
    processes: [3, 5],
    faults: { leave: 1 },
    leaves: { drains: 1, delisted: "before" },
    mirrors: 0,
    slow: 0,
    operations: { get: 10, getMany: 1, peek: 0, set: 0.5, remove: 0.2 },
  },
  crash: {
    ...MOVING,
    what: "changes while processes die, and new ones take their places",
    faults: { crash: 3, flap: 1 },
    faultsMs: 1500,
  },
  split: {
    ...MOVING,
    what: "changes while processes cannot reach each other",
    faults: { "cut off": 1 },
    faultsMs: 3000,
  },
  freeze: {
    ...MOVING,
    what: "changes while processes stand still, and catch up",
    faults: { freeze: 1 },
  },
  copies: {
    ...MOVING,
    what: "messages arrive a second time, and late",
    faults: { join: 1, flap: 1 },
    doubled: 1,
    operations: { get: 6, getMany: 1, peek: 1, set: 4, remove: 1 },
  },
  deploy: {
    ...MOVING,
    what: "changes while processes lack a group",
    faults: { join: 3, leave: 1 },
    groupsLate: 1,
  },
  clocks: {
    ...MOVING,
    what: "clocks are set",
    faults: { clock: 4, join: 1, flap: 1 },
    clocksDiffer: 1,
    ttl: 0.7,
  },
  "lists differ": {
    ...MOVING,
    what: "changes while processes have different lists for long",
    faults: { join: 2, flap: 2, leave: 1 },
    listSpreadMs: 6000,
  },
  "rolling deploy": {
    ...MOVING,
    what: "processes drain, and new ones take their places",
    processes: [3, 5],
    faults: { leave: 1 },
    leaves: { drains: 1, delisted: "at once", restarts: 1 },
  },
  "hedge while moving": {
    ...MOVING,
    what: "second requests while processes come and go",
    processes: [3, 4],
    faults: { join: 1, flap: 2, crash: 1, freeze: 1 },
    hedges: 1,
    mirrors: 1,
    slow: 1,
    callsMs: 8,
    keys: [2, 4],
    lastsMs: 7000,
    operations: { get: 20, getMany: 0, peek: 0.2, set: 1, remove: 1 },
  },
  newcomers: {
    ...MOVING,
    what: "processes start while others return that have missed changes",
    processes: [2, 4],
    faults: { join: 1, flap: 3, crash: 2, freeze: 2 },
    faultsMs: 700,
    keys: [2, 4],
    mirrors: 0,
    listSpreadMs: 2000,
  },
  channels: {
    ...MOVING,
    what: "channels break, hold up what is sent, and do not open",
    processes: [2, 4],
    faults: { channels: 6, freeze: 1, crash: 1, lossy: 1, "cut off": 1 },
    faultsMs: 700,
    callsMs: 10,
    keys: [2, 6],
    lastsMs: 6000,
    operations: { get: 20, getMany: 3, peek: 0.2, set: 1, remove: 1 },
    ttl: 0.5,
    mirrors: 0.2,
    slow: 0.3,
    padChars: [10, 200, 150_000],
  },
  "worn channels": {
    ...MOVING,
    what: "channels that last until they are replaced",
    processes: [2, 3],
    spares: 1,
    faults: { channels: 2, leave: 1, join: 1 },
    faultsMs: 12_000,
    callsMs: 70,
    keys: [1, 3],
    lastsMs: 36_000,
    operations: { get: 20, getMany: 1, peek: 0, set: 0.5, remove: 0.5 },
    mirrors: 0,
  },
  "short log": {
    ...MOVING,
    what: "processes miss more changes than others remember",
    processes: [3, 5],
    faults: { flap: 2, "cut off": 2, freeze: 2, lossy: 1, crash: 1, join: 1 },
    faultsMs: 1200,
    keys: [3, 9],
    operations: { get: 6, getMany: 1, peek: 1, set: 2, remove: 3 },
    mirrors: 0.3,
    logs: [1, 2, 4, 12],
  },
  "go rings": {
    ...MOVING,
    what: "keys are placed as in Go",
    faults: { join: 2, leave: 1, crash: 1, flap: 1, freeze: 1, "cut off": 1, lossy: 1 },
    mirrors: 0.3,
    ttl: 0.3,
    placements: ["golangRing", "mailgunRing", "groupcacheGoRing"],
  },
  auth: {
    ...MOVING,
    what: "processes prove to each other that they belong together",
    faults: { join: 2, leave: 2, crash: 3, freeze: 1, "cut off": 1, lossy: 1, flap: 1 },
    mirrors: 0.3,
    doubled: 0.5,
    auth: 1,
  },
};
