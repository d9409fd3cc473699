import { PeerHealth } from "../lib/peer/health.ts";
import type { Peer } from "../lib/peer/peer.ts";
import { deliver } from "../lib/timing/waiter.ts";
import type { Clock } from "../lib/timing/clock.ts";
import { VirtualClock } from "../lib/testing/mod.ts";

/** A healthy peer. Calls that the test does not replace throw. */
export function fakePeer(
  url: string,
  { clock = new VirtualClock(), ...replaced }: Partial<Peer> & { clock?: Clock } = {},
): Peer {
  const health = new PeerHealth({
    url,
    clock,
    random: () => 0,
    peerTimeoutMs: 10_000,
    showsLife: true,
    probe: () => Promise.resolve(false),
    onDown: () => {},
    onUp: () => {},
  });
  const unexpected = (call: string) => () => {
    throw new Error(`Unexpected call of ${call} on the peer ${url}`);
  };
  const peer: Peer = {
    url,
    health,
    get: unexpected("get"),
    request: (group, key, options, waiter) => deliver(peer.get(group, key, options), waiter),
    set: unexpected("set"),
    remove: unexpected("remove"),
    handoff: unexpected("handoff"),
    hello: unexpected("hello"),
    report: unexpected("report"),
    ...replaced,
  };
  return peer;
}
