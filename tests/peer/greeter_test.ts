import { assertEquals } from "@std/assert";
import { GroupCacheError } from "../../lib/errors.ts";
import { CircuitBreaker } from "../../lib/peer/circuit_breaker.ts";
import { Greeter } from "../../lib/peer/greeter.ts";
import type { Peer } from "../../lib/peer/peer.ts";
import { PeerSet } from "../../lib/peer/peer_set.ts";
import { rendezvous } from "../../lib/placement/rendezvous.ts";
import { VirtualClock } from "../../lib/testing/mod.ts";
import type { Hello } from "../../lib/wire/hello.ts";
import { test } from "../runtime.ts";

const [A, B] = ["http://a:1", "http://b:1"] as const;

const THEIRS: Hello = {
  instance: "1",
  self: B,
  peers: [A, B],
  placement: "rendezvous",
  isLeaving: false,
  hadGivenUp: false,
};

function setUp() {
  const clock = new VirtualClock();
  const peers = new PeerSet({
    self: A,
    placement: rendezvous(),
    clock,
    handoverMs: 1000,
    connect: (url) => {
      const breaker = new CircuitBreaker({
        clock,
        random: () => 0,
        probe: () => Promise.resolve(false),
        onOpen: () => {},
        onClose: () => {},
      });
      return { url, breaker, presence: "here" } as Peer;
    },
  });
  peers.replace([A, B]);
  const greeter = new Greeter({
    instanceId: "mine",
    placement: "rendezvous",
    peers,
    clock,
    report: () => {},
  });
  /** Has the peer B taken for dead. */
  const giveUp = () => peers.find(B)?.breaker.open(new GroupCacheError("peer-failed", "silent"));
  const isGivenUp = () => peers.find(B)?.breaker.isOpen;
  return { peers, greeter, giveUp, isGivenUp };
}

test("Greeter has a peer that starts anew used again, and leaves any other to a probe", () => {
  const { greeter, giveUp, isGivenUp } = setUp();
  greeter.answer(THEIRS);
  giveUp();
  greeter.answer(THEIRS);
  assertEquals(isGivenUp(), true);
  greeter.answer({ ...THEIRS, instance: "2" });
  assertEquals(isGivenUp(), false);
});

test("Greeter forgets a peer that leaves the list", () => {
  const { peers, greeter, giveUp, isGivenUp } = setUp();
  greeter.answer(THEIRS);
  peers.replace([A]);
  greeter.answer(THEIRS);
  peers.replace([A, B]);
  giveUp();
  greeter.answer(THEIRS);
  assertEquals(isGivenUp(), false, "it is met for the first time");
});
