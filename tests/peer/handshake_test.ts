import { assertEquals } from "@std/assert";
import { GroupCacheError } from "../../lib/errors.ts";
import { Handshake } from "../../lib/peer/handshake.ts";
import { PeerSet } from "../../lib/peer/peer_set.ts";
import { rendezvous } from "../../lib/placement/rendezvous.ts";
import { VirtualClock } from "../../lib/testing/mod.ts";
import type { ChangeUpdate } from "../../lib/wire/change_update.ts";
import type { Hello } from "../../lib/wire/hello.ts";
import { codeOf } from "../failures.ts";
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

const PROVED = { isProved: true };
const STRANGER = { isProved: false };

/** @param hello What B says when it is asked at its own URL. */
function setUp(hello: () => Promise<Hello> = () => Promise.reject(new Error("unexpected"))) {
  const clock = new VirtualClock();
  const peers = new PeerSet({
    self: A,
    placement: rendezvous(),
    clock,
    handoffMs: 1000,
    connect: (url) => fakePeer(url, { clock, hello }),
  });
  peers.replace([A, B]);
  const received: ChangeUpdate[] = [];
  const handshake = new Handshake({
    instanceId: "mine",
    placement: "rendezvous",
    peers,
    clock,
    closing: new AbortController().signal,
    changes: {
      update: { time: 0, list: "", settledTime: 0, changes: [] },
      receiveUpdate: (_origin, update) => received.push(update),
      met: () => {},
      answer: (update) => update,
      isPlausible: () => true,
    },
    report: () => {},
    onUnconfirmed: () => {},
  });
  /** Has the peer B taken for dead. */
  const giveUp = () => peers.find(B)?.health.closed(new GroupCacheError("peer-failed", "silent"));
  const isGivenUp = () => peers.find(B)?.health.isOpen;
  return { peers, handshake, received, giveUp, isGivenUp };
}

test("Handshake makes a restarted peer used again, and leaves any other to a probe", () => {
  const { handshake, giveUp, isGivenUp } = setUp();
  handshake.answer(THEIRS, PROVED);
  giveUp();
  handshake.answer(THEIRS, PROVED);
  assertEquals(isGivenUp(), true);
  handshake.answer({ ...THEIRS, instance: "2" }, PROVED);
  assertEquals(isGivenUp(), false);
});

test("Handshake forgets a peer that leaves the list", () => {
  const { peers, handshake, giveUp, isGivenUp } = setUp();
  handshake.answer(THEIRS, PROVED);
  peers.replace([A]);
  handshake.answer(THEIRS, PROVED);
  peers.replace([A, B]);
  giveUp();
  handshake.answer(THEIRS, PROVED);
  assertEquals(isGivenUp(), false, "it is met for the first time");
});

test("Handshake takes a stranger's word for nothing, but asks the peer at its own URL", async () => {
  let theirs: Hello = THEIRS;
  let asked = 0;
  const { peers, handshake, giveUp, isGivenUp } = setUp(() => {
    asked++;
    return Promise.resolve(theirs);
  });
  const b = peers.find(B);
  const isLeaving = () => b?.health.isLeaving;
  await handshake.answer({ ...THEIRS, instance: "forged" }, STRANGER);
  assertEquals(asked, 0, "nothing new is said");
  await handshake.answer({ ...THEIRS, isLeaving: true }, STRANGER);
  assertEquals([asked, isLeaving(), isGivenUp()], [1, false, false]);
  theirs = { ...THEIRS, isLeaving: true };
  await handshake.answer(theirs, STRANGER);
  assertEquals([asked, isLeaving()], [2, true]);
  theirs = THEIRS;
  await handshake.answer(theirs, STRANGER);
  assertEquals([asked, isLeaving()], [3, false]);
  giveUp();
  await handshake.answer({ ...THEIRS, instance: "forged" }, STRANGER);
  assertEquals([asked, isGivenUp()], [4, true], "it has not started anew");
  theirs = { ...THEIRS, instance: "2" };
  await handshake.answer(theirs, STRANGER);
  assertEquals([asked, isGivenUp()], [5, false]);
});

test("Handshake counts on a new process in place of one that left, though it cannot be asked", async () => {
  const { peers, handshake } = setUp(() => Promise.reject(new Error("out of reach")));
  const health = peers.find(B)?.health;
  await handshake.answer({ ...THEIRS, isLeaving: true }, PROVED);
  assertEquals(health?.servesNobody, true);
  await handshake.answer(THEIRS, STRANGER);
  assertEquals(health?.servesNobody, true, "it is that process's old hello");
  await handshake.answer({ ...THEIRS, instance: "2" }, STRANGER);
  assertEquals(health?.servesNobody, false);
  await handshake.answer({ ...THEIRS, instance: "2", isLeaving: true }, PROVED);
  assertEquals(health?.servesNobody, true);
});

test("Handshake awaits a newcomer only where a peer has left, and none that is that peer", async () => {
  const { peers, handshake } = setUp();
  const health = peers.find(B)?.health;
  await handshake.answer(THEIRS, PROVED);
  assertEquals([...handshake.awaitedFrom("2")], []);
  await handshake.answer({ ...THEIRS, isLeaving: true }, PROVED);
  assertEquals([...handshake.awaitedFrom(THEIRS.instance)], []);
  assertEquals([...handshake.awaitedFrom("2")], [B]);
  handshake.introduced("http://stranger:1", "2");
  handshake.introduced(B, THEIRS.instance);
  assertEquals(health?.servesNobody, true);
  handshake.introduced(B, "2");
  assertEquals(health?.servesNobody, false);
  assertEquals([...handshake.awaitedFrom("3")], [], "changes wait for somebody there already");
});

test("Handshake asks a peer once at a time, whatever strangers say of it", async () => {
  const theirs = Promise.withResolvers<Hello>();
  let asked = 0;
  const { handshake, giveUp, isGivenUp } = setUp(() => {
    asked++;
    return theirs.promise;
  });
  giveUp();
  const answers = Array.from({ length: 100 }, () => handshake.answer(THEIRS, STRANGER));
  theirs.reject(new Error("no answer"));
  for (const answer of await Promise.all(answers)) assertEquals(answer.self, A);
  assertEquals([asked, isGivenUp()], [1, true]);
});

test("Handshake answers a probe at once, so that two processes never wait for each other", async () => {
  const { handshake } = setUp();
  const probe = { ...THEIRS, isLeaving: true, isProbe: true };
  assertEquals((await handshake.answer(probe, STRANGER)).self, A);
});

const RESET = { gaps: [{ origin: "1", size: 1 }], safe: [] };

test("Handshake takes a reset from an authenticated peer at once, and no stranger's", async () => {
  const reset = { time: 0, list: "", settledTime: 0, changes: [], reset: RESET };
  const proved = setUp();
  await proved.handshake.answer({ ...THEIRS, changes: reset }, PROVED);
  assertEquals(proved.received, [reset]);
  const asked = setUp(() =>
    Promise.resolve({ ...THEIRS, changes: { ...reset, reset: undefined } })
  );
  const forged = asked.handshake.answer({ ...THEIRS, changes: reset, isProbe: true }, STRANGER);
  assertEquals(await codeOf(forged), "peer-failed");
  assertEquals(asked.received.some(({ reset }) => reset), false);
});

test("Handshake takes no reset for confirmed by one for smaller gaps", async () => {
  const nothing = { time: 0, list: "", settledTime: 0, changes: [] };
  const resetOf = (size: number) => ({
    ...nothing,
    reset: { gaps: [{ origin: "1", size }], safe: [] },
  });
  const codes: (string | undefined)[] = [];
  for (const size of [6, 7, 8]) {
    const { handshake } = setUp(() => Promise.resolve({ ...THEIRS, changes: resetOf(size) }));
    const claim = { ...THEIRS, changes: resetOf(7), isProbe: true };
    codes.push(await handshake.answer(claim, STRANGER).then(() => undefined, ({ code }) => code));
  }
  assertEquals(codes, ["peer-failed", undefined, undefined]);
});

test("Handshake takes no stranger's word for who knows a change", async () => {
  const known = { count: 1, to: [{ url: B, instance: "1" }] };
  const change = { group: "g", key: "key", stamp: { time: 1, origin: "1" } };
  const changes = { time: 1, list: "", settledTime: 0, changes: [change], known };
  for (const [sender, expected] of [[PROVED, known], [STRANGER, undefined]] as const) {
    const { handshake, received } = setUp();
    await handshake.answer({ ...THEIRS, changes, isProbe: true }, sender);
    assertEquals(received.map(({ known }) => known), [expected]);
  }
});

test("Handshake asks nobody because of a process that is not on the list", async () => {
  const { handshake } = setUp();
  const stranger = { ...THEIRS, self: "http://stranger:1", isLeaving: true, hadGivenUp: true };
  assertEquals((await handshake.answer(stranger, STRANGER)).self, A);
});
