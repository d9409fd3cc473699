import { assertEquals, assertRejects } from "@std/assert";
import { viewOf } from "../../lib/byte_view.ts";
import { GroupCacheError } from "../../lib/errors.ts";
import { peekInTurn } from "../../lib/peer/peek_in_turn.ts";
import type { EncodedValue, Peer, PeerCallOptions } from "../../lib/peer/peer.ts";
import { LightCancellation } from "../../lib/timing/cancellation.ts";
import { VirtualClock } from "../../lib/testing/mod.ts";
import { fakePeer } from "../fake_peer.ts";
import { test } from "../runtime.ts";

const notFound = new GroupCacheError("not-found", "it is not in memory");
const peerFailed = new GroupCacheError("peer-failed", "nobody there");
const value: EncodedValue = { view: viewOf(Uint8Array.of(1)), expiresAtMs: Infinity };

type Answer = () => Promise<EncodedValue>;
const has: Answer = () => Promise.resolve(value);
const lacks: Answer = () => Promise.reject(notFound);
const fails: Answer = () => Promise.reject(peerFailed);
const hangs: Answer = () => new Promise(() => {});

/** Peeks at peers a, b and so on, which are about to leave. */
function setUp(answers: readonly Answer[], p99Ms?: number) {
  const clock = new VirtualClock();
  const signal = new LightCancellation();
  const asked: string[] = [];
  const calls: PeerCallOptions[] = [];
  const peers: Peer[] = answers.map((answer, index) => {
    const url = "abc"[index] as string;
    const peer = fakePeer(url, {
      clock,
      get: (_group, _key, options = {}) => {
        asked.push(url);
        calls.push(options);
        return answer();
      },
    });
    peer.health.leaving();
    return peer;
  });
  const peek = () => peekInTurn(peers, "texts", "key", { signal, clock, p99Ms: () => p99Ms });
  return { clock, signal, asked, calls, peers, peek };
}

test("peekInTurn() returns the value of the first peer that has it", async () => {
  const { asked, calls, peek } = setUp([lacks, has, has]);
  assertEquals(await peek(), value);
  assertEquals(asked, ["a", "b"]);
  assertEquals(calls.map(({ peek }) => peek), [true, true]);
});

test("peekInTurn() returns undefined if no peer has the value", async () => {
  const { asked, peek } = setUp([lacks, fails]);
  assertEquals(await peek(), undefined);
  assertEquals(asked, ["a", "b"]);
});

test("peekInTurn() takes a leaving peer that fails for one that has left, but not one without the value", async () => {
  const { peers, peek } = setUp([lacks, fails]);
  await peek();
  assertEquals(peers.map(({ health }) => health.isGone), [false, true]);
});

test("peekInTurn() goes on after a second, and leaves a peer out that was late", async () => {
  const { clock, asked, calls, peers, peek } = setUp([hangs, lacks]);
  const result = peek();
  await clock.advance(999);
  assertEquals(asked, ["a"]);
  assertEquals(calls[0]?.signal?.aborted, false);
  await clock.advance(1);
  assertEquals(await result, undefined);
  assertEquals(calls[0]?.signal?.aborted, true);
  assertEquals(peers.map(({ health }) => [health.isLate, health.isGone]), [
    [true, true],
    [false, false],
  ]);
  await peek();
  assertEquals(asked, ["a", "b", "b"]);
});

test("peekInTurn() waits for a second if the usual time is longer", async () => {
  const { clock, asked, peers, peek } = setUp([hangs, lacks], 5000);
  const result = peek();
  await clock.advance(1000);
  assertEquals(await result, undefined);
  assertEquals(asked, ["a", "b"]);
  assertEquals(peers.map(({ health }) => health.isLate), [true, false]);
});

test("peekInTurn() holds it against no peer that it was slower than usual", async () => {
  const { clock, asked, peers, peek } = setUp([hangs, lacks], 20);
  const result = peek();
  await clock.advance(19);
  assertEquals(asked, ["a"]);
  await clock.advance(1);
  assertEquals(await result, undefined);
  assertEquals(asked, ["a", "b"]);
  assertEquals(peers.map(({ health }) => health.isLate || health.isGone), [false, false]);
});

test("peekInTurn() ends when its caller leaves, and asks no other peer", async () => {
  const { clock, signal, asked, calls, peers, peek } = setUp([hangs, has]);
  const result = peek();
  signal.abort(new Error("the caller has left"));
  await assertRejects(() => result, Error, "the caller has left");
  assertEquals(asked, ["a"]);
  assertEquals(calls[0]?.signal?.aborted, true);
  assertEquals(peers[0]?.health.isGone, false);
  assertEquals(clock.pendingTimers, 0);
});
