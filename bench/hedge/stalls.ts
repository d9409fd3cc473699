import { percentile } from "../peers/calls.ts";
import { type Report, round, type Row } from "../report.ts";
import { type Caller, type HedgingCluster, statsOf } from "./processes.ts";

/** The share of requests that the owners stall, and for how long. */
const SHARES = [0, 0.005, 0.01];
const STALL_MS = 50;
const ROUNDS = 3;
const MS = 4000;
const PER_SECOND = 500;
const EXTRA_LIMIT = 0.05;

/** What a caller saw. */
interface Seen {
  latencies: number[];
  requests: number;
  hedges: number;
  hedgesWon: number;
}

/** Measures callers of owners that stall now and then, alternately with and without hedging. */
export async function stalls({ owners, without, withHedging }: HedgingCluster): Promise<Report> {
  const rows: Row[] = [];
  for (const share of SHARES) {
    for (const owner of owners) await owner.ask("stall", { share, ms: STALL_MS });
    const seen = new Map<Caller, Seen>();
    for (let i = 0; i < ROUNDS; i++) {
      for (const caller of [without, withHedging]) await measure(caller, seen);
    }
    const plain = seen.get(without) as Seen;
    const hedged = seen.get(withHedging) as Seen;
    const extra = hedged.hedges / hedged.requests;
    const isMet = extra <= EXTRA_LIMIT && (share === 0 || p999(hedged) < p999(plain));
    const name = `${round(share * 100, 1)} % stalled`;
    rows.push({ case: `${name}, ${without.name}`, figures: figuresOf(plain) });
    rows.push({ case: `${name}, ${withHedging.name}`, figures: figuresOf(hedged), isMet });
  }
  for (const owner of owners) await owner.ask("stall", { share: 0, ms: 0 });
  return {
    bar: `Requests that are stalled for ${STALL_MS} ms, ${PER_SECOND} gets a second`,
    limit: `at most ${EXTRA_LIMIT * 100} % more requests; a lower p99.9 where some are stalled`,
    rows,
  };
}

async function measure(caller: Caller, seen: Map<Caller, Seen>): Promise<void> {
  const before = await statsOf(caller);
  const query = { ms: MS, perSecond: PER_SECOND };
  const latencies = await caller.node.ask<number[]>("latencies", query);
  const after = await statsOf(caller);
  const sum = seen.get(caller) ?? { latencies: [], requests: 0, hedges: 0, hedgesWon: 0 };
  seen.set(caller, {
    latencies: [...sum.latencies, ...latencies],
    requests: sum.requests + after.loadsExecuted - before.loadsExecuted,
    hedges: sum.hedges + after.hedges - before.hedges,
    hedgesWon: sum.hedgesWon + after.hedgesWon - before.hedgesWon,
  });
}

function p999({ latencies }: Seen): number {
  return percentile(latencies, 0.999);
}

function figuresOf(seen: Seen): Row["figures"] {
  return {
    "p50 ms": round(percentile(seen.latencies, 0.5)),
    "p99 ms": round(percentile(seen.latencies, 0.99)),
    "p99.9 ms": round(p999(seen)),
    "requests": seen.requests,
    "second ones": seen.hedges,
    "won": seen.hedgesWon,
    "more": `${round(seen.hedges / seen.requests * 100)} %`,
  };
}
