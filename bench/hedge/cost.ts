import { inTurns, ratio } from "../peers/bench.ts";
import { median, type Report, round } from "../report.ts";
import type { Caller, HedgingCluster } from "./processes.ts";

const CALLERS = 64;
const ROUNDS = 7;
const MS = 1000;
const LIMIT = 0.9;

/** Measures what hedging costs a caller whose peers do not stall. */
export async function cost({ without, withHedging }: HedgingCluster): Promise<Report> {
  const measure = ({ node }: Caller) => () =>
    node.ask<number>("throughput", { callers: CALLERS, ms: MS });
  const { plain = [], hedged = [] } = await inTurns(ROUNDS, {
    plain: measure(without),
    hedged: measure(withHedging),
  });
  const times = ratio(hedged, plain);
  return {
    bar: `${CALLERS} callers, owner hits, nothing is stalled`,
    limit: `with hedging at least ${LIMIT} times the keys per second`,
    rows: [
      { case: without.name, figures: { "keys/s": round(median(plain), 0) } },
      {
        case: withHedging.name,
        figures: { "keys/s": round(median(hedged), 0), "ratio": round(times) },
        isMet: times >= LIMIT,
      },
    ],
  };
}
