import { assertEquals } from "@std/assert";
import { GroupCacheError } from "../../lib/errors.ts";
import { handOff } from "../../lib/peer/handoff.ts";
import type { PeerCallOptions } from "../../lib/peer/peer.ts";
import { PeerSet } from "../../lib/peer/peer_set.ts";
import type { Placement } from "../../lib/placement/placement.ts";
import { LightCancellation } from "../../lib/timing/cancellation.ts";
import { VirtualClock } from "../../lib/testing/mod.ts";
import { fakePeer } from "../fake_peer.ts";
import { test } from "../runtime.ts";

const [SELF, A, B] = ["http://self:1", "http://a:1", "http://b:1"] as const;

/** A owns all keys but those that begin with b. */
const byFirstLetter: Placement = {
  name: "by the first letter",
  rank: () => (key) => key.startsWith("b") ? [SELF, B, A] : [SELF, A, B],
};

/** A process that leaves, and offers peer A its keys. */
function setUp(accept: () => Promise<void> = () => Promise.resolve()) {
  const signal = new LightCancellation();
  const batches: (readonly string[])[] = [];
  const calls: PeerCallOptions[] = [];
  const peers = new PeerSet({
    self: SELF,
    placement: byFirstLetter,
    clock: new VirtualClock(),
    handoffMs: 1000,
    connect: (url) =>
      fakePeer(url, {
        handoff: (_group, keys, options = {}) => {
          batches.push(keys);
          calls.push(options);
          return accept();
        },
      }),
  });
  peers.replace([SELF, A, B]);
  peers.leave();
  const [peer] = peers.others();
  if (peer?.url !== A) throw new Error("Expected peer A");
  const offer = (keys: readonly string[], valueBytes = 0) =>
    handOff(peer, {
      group: "texts",
      keys: keys.map((key) => ({ key, valueBytes })),
      peers,
      signal,
    });
  return { signal, batches, calls, offer };
}

const named = (count: number, prefix = "a"): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);

test("handOff() offers a peer the keys that it is about to own", async () => {
  const { signal, batches, calls, offer } = setUp();
  await offer(["a1", "b1", "a2", "b2"]);
  assertEquals(batches, [["a1", "a2"]]);
  assertEquals(calls[0]?.signal, signal);
});

test("handOff() offers nothing if the peer is about to own nothing", async () => {
  const { batches, offer } = setUp();
  await offer(["b1"]);
  assertEquals(batches, []);
});

test("handOff() offers at most 500 keys at a time, the first ones first", async () => {
  const { batches, offer } = setUp();
  const keys = named(1001);
  await offer(keys);
  assertEquals(batches, [keys.slice(0, 500), keys.slice(500, 1000), keys.slice(1000)]);
});

test("handOff() offers about 4 MiB at a time, keys included", async () => {
  const byValues = setUp();
  await byValues.offer(named(5), 2 << 20);
  assertEquals(byValues.batches.map(({ length }) => length), [2, 2, 1]);
  const byKeys = setUp();
  await byKeys.offer(named(5, "a".repeat(1 << 20)));
  assertEquals(byKeys.batches.map(({ length }) => length), [2, 2, 1]);
});

test("handOff() waits until one batch is accepted before it offers the next", async () => {
  const gate = Promise.withResolvers<void>();
  const { batches, offer } = setUp(() => gate.promise);
  const done = offer(named(600));
  await Promise.resolve();
  assertEquals(batches.length, 1);
  gate.resolve();
  await done;
  assertEquals(batches.length, 2);
});

test("handOff() goes on after a batch that the peer did not accept", async () => {
  const refuse = () => Promise.reject(new GroupCacheError("overloaded", "no room"));
  const { batches, offer } = setUp(refuse);
  await offer(named(600));
  assertEquals(batches.length, 2);
});

test("handOff() offers no further keys once its time is over", async () => {
  const { signal, batches, offer } = setUp(() => {
    signal.abort(new Error("the time is over"));
    return Promise.resolve();
  });
  await offer(named(1200));
  assertEquals(batches.length, 1);
});
