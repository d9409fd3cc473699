import type {
  Action,
  ChannelFault,
  Fault,
  FaultKind,
  GroupPlan,
  Operation,
  Place,
  Plan,
} from "./plan.ts";
import { type Profile, type ProfileName, PROFILES } from "./profiles.ts";
import { Random } from "./random.ts";

const CHANNEL_FAULTS: readonly ChannelFault[] = [
  "reset",
  "end",
  "held up out",
  "held up in",
  "held up",
  "refused",
];

/** Draws what a run does. The same seed and profile always give the same plan. */
export function generate(seed: number, profileName: ProfileName): Plan {
  const profile: Profile = PROFILES[profileName];
  const random = new Random(`${profileName} ${seed}`);
  const startCount = random.int(...profile.processes);
  const placeCount = startCount + (profile.spares > 0 ? random.int(1, profile.spares) : 0);
  const clocksDiffer = random.chance(profile.clocksDiffer);
  const groupsLate = random.chance(profile.groupsLate);
  const places = Array.from({ length: placeCount }, () => place(random, clocksDiffer, groupsLate));
  const hedge = random.chance(profile.hedges);
  const groups = Array.from(
    { length: random.chance(0.3) ? 2 : 1 },
    (_, index) => group(random, index, profile),
  );
  const keyCount = random.int(...profile.keys);
  const keys = Array.from({ length: keyCount }, (_, index) => `key${index}`);
  const isSlow = random.chance(profile.slow);
  const draft = { seed, profile: profileName, places, startCount, groups, keys };
  return {
    ...draft,
    cache: {
      hedge,
      handoffMs: profile.handoffMs ??
        (random.chance(0.1) ? 0 : random.pick([20_000, 300_000])),
      peerTimeoutMs: random.pick([2000, 5000, 10_000]),
      placement: random.pick(profile.placements ?? ["rendezvous"]),
      hasAuth: random.chance(profile.auth ?? 0),
      maxChanges: random.pick(profile.logs ?? [16_384]),
    },
    network: {
      minMs: 0.2,
      meanMs: random.pick([0.5, 2, 10]),
      slowShare: isSlow ? 0.02 : 0,
      slowMs: isSlow ? random.pick([100, 400, 2000]) : 0,
      doubled: random.chance(profile.doubled) ? random.pick([0.03, 0.2]) : 0,
      listSpreadMs: profile.listSpreadMs ?? random.pick([20, 200, 2000]),
    },
    actions: actions(random, profile, draft),
    healAtMs: profile.lastsMs,
  };
}

type Draft = Pick<Plan, "places" | "groups" | "keys">;

function place(random: Random, clocksDiffer: boolean, groupsLate: boolean): Place {
  return {
    clock: clocksDiffer
      ? { offsetMs: random.int(-5000, 5000), rate: random.between(0.999, 1.001) }
      : { offsetMs: 0, rate: 1 },
    groupsAfterMs: groupsLate && random.chance(0.4) ? random.int(10, 8000) : 0,
  };
}

function group(random: Random, index: number, profile: Profile): GroupPlan {
  const evicts = random.chance(profile.evicts);
  return {
    name: `group${index}`,
    codec: random.pick(["text", "json", "bytes"]),
    ttlMs: random.chance(profile.ttl) ? random.pick([300, 2000, 8000]) : Infinity,
    maxBytes: evicts ? random.pick([64 << 10, 128 << 10]) : 1 << 20,
    padChars: evicts ? random.pick([2000, 8000]) : random.pick(profile.padChars ?? [10, 200]),
    loadTimeoutMs: random.pick([1500, 5000]),
    mirrorMinuteQps: random.chance(profile.mirrors) ? random.pick([0, 0, 30]) : Infinity,
    mirrorTtlMs: random.pick([200, 5000, 60_000]),
    hasLoadMany: random.chance(0.3),
    loadMeanMs: random.pick(profile.loadMeanMs ?? [1, 10, 60]),
    loadFailure: random.chance(profile.loadsFail) ? 0.1 : 0,
  };
}

function actions(random: Random, profile: Profile, draft: Draft): Action[] {
  const actions: Action[] = [];
  const places = draft.places.length;
  for (let atMs = random.gap(profile.callsMs); atMs < profile.lastsMs;) {
    const call = operation(random, profile, draft);
    actions.push({ atMs, place: random.int(0, places - 1), ...call });
    if (call.kind === "set" || call.kind === "remove") {
      // What goes wrong goes wrong around changes.
      for (let count = random.int(0, 4); count > 0; count--) {
        const kind = random.chance(0.9) ? "get" : random.pick(["set", "remove"] as const);
        const afterMs = random.gap(random.pick(profile.burstsMs ?? [2, 20]));
        actions.push({ ...call, kind, atMs: atMs + afterMs, place: random.int(0, places - 1) });
      }
    }
    atMs += random.gap(profile.callsMs);
  }
  const { faultsMs } = profile;
  for (let atMs = 2000 + random.gap(faultsMs); atMs < profile.lastsMs;) {
    actions.push({ atMs, place: random.int(0, places - 1), ...fault(random, profile, places) });
    atMs += random.gap(faultsMs);
  }
  return actions.sort((a, b) => a.atMs - b.atMs);
}

function operation(random: Random, profile: Profile, { groups, keys }: Draft): Operation {
  const kind = random.weighted(profile.operations);
  const group = random.int(0, groups.length - 1);
  const abortAfterMs = random.chance(0.1) ? random.gap(200) : Infinity;
  if (kind === "getMany") {
    const some = keys.filter(() => random.chance(0.5));
    return { kind, group, abortAfterMs, keys: some, settled: random.chance(0.5) };
  }
  // Some keys are in more demand.
  const index = Math.floor(random.next() ** 2 * keys.length);
  return { kind, group, abortAfterMs, key: keys[index] as string };
}

function fault(random: Random, profile: Profile, places: number): Fault {
  const kind: FaultKind = random.weighted(profile.faults);
  switch (kind) {
    case "join":
      return { kind };
    case "leave": {
      const { drains, delisted, loses = 0, restarts = 0 } = profile.leaves ?? {
        drains: 0.7,
        delisted: random.pick(["before", "at once", "after"] as const),
        loses: random.pick([0, 0, 0.2]),
        restarts: 0.5,
      };
      const drainMs = random.chance(drains) ? random.pick([500, 5000]) : 0;
      const restartMs = random.chance(restarts) ? random.gap(random.pick([50, 2000])) : Infinity;
      return { kind, delisted, drainMs, loses, restartMs };
    }
    case "crash":
      return { kind, forMs: random.gap(3000), isRestarted: random.chance(0.6) };
    case "freeze":
      return { kind, forMs: random.gap(random.pick([500, 8000])) };
    case "flap":
      return { kind, forMs: random.gap(3000) };
    case "cut off":
      return {
        kind,
        from: Array.from({ length: places }, (_, place) => place).filter(() => random.chance(0.6)),
        ways: random.pick(["out", "in", "both", "both"]),
        shows: random.pick(["refused", "silent"]),
        forMs: random.gap(5000),
      };
    case "lossy":
      return {
        kind,
        share: random.pick(profile.losses ?? [0.05, 0.3]),
        isOfChanges: random.chance(profile.losesChanges ?? 0.3),
        forMs: random.gap(3000),
      };
    case "channels": {
      const how = random.pick(CHANNEL_FAULTS);
      return { kind, how, forMs: random.gap(random.pick([500, 3000])) };
    }
    case "clock":
      return { kind, byMs: random.pick([-3_600_000, -2000, 1500, 3_600_000]) };
  }
}
