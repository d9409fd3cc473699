import { assertEquals } from "@std/assert";
import { GroupCacheError } from "../../lib/errors.ts";
import { Handshake } from "../../lib/peer/handshake.ts";
import { PeerSet } from "../../lib/peer/peer_set.ts";
import { rendezvous } from "../../lib/placement/rendezvous.ts";
import { VirtualClock } from "../../lib/testing/mod.ts";
import type { Hello } from "../../lib/wire/hello.ts";
import { fakePeer } from "../fake_peer.ts";
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
    handoffMs: 1000,
    connect: (url) => fakePeer(url, { clock }),
  });
  peers.replace([A, B]);
  const handshake = new Handshake({
    instanceId: "mine",
    placement: "rendezvous",
    peers,
    clock,
    changes: {
      update: { time: 0, list: "", settledTime: 0, isReset: false, changes: [] },
      receiveUpdate: () => {},
    },
    report: () => {},
  });
  /** Has the peer B taken for dead. */
  const giveUp = () => peers.find(B)?.health.closed(new GroupCacheError("peer-failed", "silent"));
  const isGivenUp = () => peers.find(B)?.health.isOpen;
  return { peers, handshake, giveUp, isGivenUp };
}

test("Handshake makes a restarted peer used again, and leaves any other to a probe", () => {
  const { handshake, giveUp, isGivenUp } = setUp();
  handshake.answer(THEIRS);
  giveUp();
  handshake.answer(THEIRS);
  assertEquals(isGivenUp(), true);
  handshake.answer({ ...THEIRS, instance: "2" });
  assertEquals(isGivenUp(), false);
});

test("Handshake forgets a peer that leaves the list", () => {
  const { peers, handshake, giveUp, isGivenUp } = setUp();
  handshake.answer(THEIRS);
  peers.replace([A]);
  handshake.answer(THEIRS);
  peers.replace([A, B]);
  giveUp();
  handshake.answer(THEIRS);
  assertEquals(isGivenUp(), false, "it is met for the first time");
});
