import { CircuitBreaker } from "../lib/peer/circuit_breaker.ts";
import type { Peer } from "../lib/peer/peer.ts";
import type { Clock } from "../lib/timing/clock.ts";
import { VirtualClock } from "../lib/testing/mod.ts";

/** A healthy peer. Calls that the test does not replace throw. */
export function fakePeer(
  url: string,
  { clock = new VirtualClock(), ...replaced }: Partial<Peer> & { clock?: Clock } = {},
): Peer {
  const breaker = new CircuitBreaker({
    clock,
    random: () => 0,
    probe: () => Promise.resolve(false),
    onOpen: () => {},
    onClose: () => {},
  });
  const unexpected = (call: string) => () => {
    throw new Error(`Unexpected call of ${call} on the peer ${url}`);
  };
  return {
    url,
    breaker,
    presence: "here",
    isLate: false,
    wasLate: () => {},
    get: unexpected("get"),
    set: unexpected("set"),
    remove: unexpected("remove"),
    handoff: unexpected("handoff"),
    hello: unexpected("hello"),
    ...replaced,
  };
}
