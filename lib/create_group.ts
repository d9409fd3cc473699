import type { ChangeExchange } from "./consistency/change_exchange.ts";
import type { GroupCacheError } from "./errors.ts";
import { LoadErrorEvent, PeerErrorEvent } from "./events.ts";
import { ClusterGroup } from "./group.ts";
import { GroupMemory } from "./group/group_memory.ts";
import { GroupSpans } from "./group/group_spans.ts";
import { HotKeys } from "./group/hot_keys.ts";
import { Loader } from "./group/loader.ts";
import { LocalGroup } from "./group/local_group.ts";
import { Writes } from "./group/writes.ts";
import type { CheckedGroupOptions } from "./group_options.ts";
import { askInTurn } from "./peer/ask_in_turn.ts";
import type { HedgeBudget } from "./peer/hedge_budget.ts";
import { Hedging } from "./peer/hedging.ts";
import type { Peer } from "./peer/peer.ts";
import type { PeerSet } from "./peer/peer_set.ts";
import { newCounters } from "./stats.ts";
import type { Clock } from "./timing/clock.ts";
import type { Tracer } from "./tracer.ts";

/** What a group needs from its cache. */
export interface GroupHost {
  readonly clock: Clock;
  /** The source of randomness, as `Math.random`. */
  readonly random: () => number;
  readonly peers: PeerSet;
  readonly changes: ChangeExchange;
  /** Makes spans; undefined for none. */
  readonly tracer: Tracer | undefined;
  /** Bounds hedged requests; undefined without hedging. */
  readonly hedgeBudget: HedgeBudget | undefined;
  /** The largest value sent between processes, in bytes. */
  readonly maxValueBytes: number;
  /** Aborts when the cache is closed, with the error for pending calls. */
  readonly closing: AbortSignal;
  /** Dispatches an event. */
  report(event: Event): void;
}

/** A group as its users see it, and as its peers see it. */
export interface CreatedGroup<T, Input> {
  readonly group: ClusterGroup<T, Input>;
  readonly local: LocalGroup;
}

/** Creates a group and everything that it consists of. */
export function createGroup<T, Input>(
  name: string,
  options: CheckedGroupOptions<T, Input>,
  host: GroupHost,
): CreatedGroup<T, Input> {
  const { clock, random, peers, changes, hedgeBudget, maxValueBytes, closing, report, tracer } =
    host;
  const counters = newCounters();
  const owners = hedgeBudget === undefined
    ? askInTurn
    : new Hedging({ clock, budget: hedgeBudget, counters });
  const onPeerFailure = (peer: Peer, error: GroupCacheError): void => {
    counters.peerErrors++;
    peer.health.traffic.failures++;
    report(new PeerErrorEvent({ peer: peer.url, error }));
  };
  const memory = new GroupMemory({ ...options, clock, counters });
  const loader: Loader<T, Input> = new Loader({ ...options, clock, tracer, group: () => group });
  const spans = tracer && new GroupSpans(tracer, name);
  const hotKeys = new HotKeys({
    minuteQps: options.mirrorMinuteQps,
    random,
    nowMs: clock.now(),
  });
  const local: LocalGroup = new LocalGroup({
    group: name,
    memory,
    loader,
    hotKeys,
    spans,
    peers,
    clock,
    mirrorMinuteQps: options.mirrorMinuteQps,
    p99Ms: (peer) => owners.p99Ms(peer),
    counters,
    onChange: (key) => group.forget(key),
    onChangeOfAll: () => group.forgetAll(),
    report,
  });
  const writes = new Writes({
    group: name,
    local,
    peers,
    changes,
    spans,
    maxValueBytes,
    onPeerFailure,
  });
  const { codec, loadTimeoutMs } = options;
  const group: ClusterGroup<T, Input> = new ClusterGroup(name, {
    codec,
    loadTimeoutMs,
    memory,
    loader,
    local,
    writes,
    hotKeys,
    spans,
    peers,
    owners,
    clock,
    random,
    counters,
    onPeerFailure,
    onDecodeFailure: (key, error) => report(new LoadErrorEvent({ group: name, key, error })),
    closing,
  });
  return { group, local };
}
