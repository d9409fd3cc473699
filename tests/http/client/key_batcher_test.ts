import type { EncodedValue } from "../../../lib/peer/peer.ts";
import { assert, assertEquals } from "@std/assert";
import { viewOf } from "../../../lib/byte_view.ts";
import { GroupCacheError } from "../../../lib/errors.ts";
import { KeyBatcher } from "../../../lib/http/client/key_batcher.ts";
import { KeyCall } from "../../../lib/http/client/key_call.ts";
import { checkLimits, type PeerLimits } from "../../../lib/http/peer_limits.ts";
import { systemClock } from "../../../lib/timing/clock.ts";
import { test } from "../../runtime.ts";

interface SetupOptions extends Partial<PeerLimits> {
  /** How many batches may be unanswered. */
  maxUnanswered?: number;
}

/** A batcher whose route answers a batch when the test says so. */
function setUp({ maxUnanswered = 4, ...limits }: SetupOptions = {}) {
  const sent: { calls: readonly KeyCall[]; answer: () => void }[] = [];
  let unanswered = 0;
  let flushes = 0;
  const batcher: KeyBatcher<KeyCall> = new KeyBatcher({
    clock: systemClock,
    url: "http://peer:8080",
    limits: checkLimits(limits),
    route: {
      get roomKeys(): number {
        return unanswered < maxUnanswered ? 1000 : 0;
      },
      get isIdle(): boolean {
        return unanswered === 0;
      },
      send(calls: readonly KeyCall[]): void {
        unanswered++;
        const answer = () => {
          unanswered--;
          batcher.schedule();
        };
        sent.push({ calls, answer });
      },
      flush: () => void flushes++,
    },
  });
  return { batcher, sent, flushes: () => flushes };
}

interface Added {
  call: KeyCall;
  value: Promise<EncodedValue>;
}

function add(
  batcher: KeyBatcher<KeyCall>,
  key: string,
  group = "group",
  signal?: AbortSignal,
): Added {
  const waiter = Promise.withResolvers<EncodedValue>();
  waiter.promise.catch(() => {});
  const call = new KeyCall(group, key, { signal }, waiter);
  batcher.add(call);
  return { call, value: waiter.promise };
}

function keysOf(sent: { calls: readonly KeyCall[] }[]): string[][] {
  return sent.map(({ calls }) => calls.map(({ key }) => key));
}

/** Lets run what runs in this turn and the next ones. */
async function endOfTurn(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
}

test("KeyBatcher sends the calls of one turn together", async () => {
  const { batcher, sent } = setUp();
  for (const key of ["a", "b", "c"]) add(batcher, key);
  assertEquals(sent.length, 0);
  await endOfTurn();
  assertEquals(keysOf(sent), [["a", "b", "c"]]);
});

test("KeyBatcher gathers callers that come back a few promises apart", async () => {
  const { batcher, sent } = setUp();
  const answered = Promise.resolve();
  answered.then(() => add(batcher, "a"));
  answered.then(() => {}).then(() => {}).then(() => add(batcher, "b"));
  await endOfTurn();
  assertEquals(keysOf(sent), [["a", "b"]]);
});

test("KeyBatcher gathers calls of several turns while something is unanswered", async () => {
  const { batcher, sent, flushes } = setUp();
  add(batcher, "a");
  await Promise.resolve();
  await endOfTurn();
  add(batcher, "b");
  queueMicrotask(() => add(batcher, "c"));
  for (let i = 0; i < 20; i++) await Promise.resolve();
  assertEquals(keysOf(sent), [["a"]], "not in the turn of the call");
  add(batcher, "d");
  await endOfTurn();
  assertEquals(keysOf(sent), [["a"], ["b", "c", "d"]]);
  assertEquals(flushes(), 2);
});

test("KeyBatcher sends calls of different groups apart", async () => {
  const { batcher, sent } = setUp();
  add(batcher, "a", "one");
  add(batcher, "b", "two");
  add(batcher, "c", "one");
  await endOfTurn();
  assertEquals(keysOf(sent), [["a", "c"], ["b"]]);
});

test("KeyBatcher lets calls gather while the maximum of requests is unanswered", async () => {
  const { batcher, sent } = setUp({ maxUnanswered: 2 });
  for (const key of ["a", "b", "c", "d"]) {
    add(batcher, key);
    await endOfTurn();
  }
  assertEquals(keysOf(sent), [["a"], ["b"]]);
  sent[0]?.answer();
  await endOfTurn();
  assertEquals(keysOf(sent), [["a"], ["b"], ["c", "d"]]);
});

test("KeyBatcher bounds the keys and the bytes of a request, and sends all in the end", async () => {
  const keys = Array.from({ length: 10 }, (_, index) => String(index).repeat(100));
  for (const limits of [{ maxKeys: 3 }, { maxKeyBytes: 600 }]) {
    const { batcher, sent } = setUp({ ...limits, maxUnanswered: 100 });
    for (const key of keys) add(batcher, key);
    await endOfTurn();
    assertEquals(keysOf(sent).map(({ length }) => length), [3, 3, 3, 1]);
    assertEquals(keysOf(sent).flat(), keys);
  }
});

test("KeyBatcher sends a key larger than the bound of a request by itself", async () => {
  const { batcher, sent } = setUp({ maxKeyBytes: 10, maxUnanswered: 100 });
  for (const key of ["x".repeat(1000), "a", "y".repeat(1000)]) add(batcher, key);
  await endOfTurn();
  assertEquals(keysOf(sent).flat().length, 3);
  assertEquals(keysOf(sent)[0]?.length, 1);
});

test("KeyBatcher refuses calls when too many wait, with a clear error", async () => {
  const { batcher } = setUp({ maxQueued: 2 });
  const calls = ["a", "b", "c"].map((key) => add(batcher, key));
  const error = await calls[2]?.value.catch((error) => error);
  assert(error instanceof GroupCacheError && error.code === "overloaded");
  assertEquals(
    error.message,
    'Cannot ask peer http://peer:8080 for "c": 2 calls to it are waiting',
  );
  assertEquals(calls.map(({ call }) => call.isSettled), [false, false, true]);
});

test("KeyBatcher leaves out calls whose callers have gone", async () => {
  const { batcher, sent } = setUp({ maxUnanswered: 1 });
  const leaver = new AbortController();
  add(batcher, "a", "group", leaver.signal);
  add(batcher, "b");
  add(batcher, "c", "other", leaver.signal);
  leaver.abort();
  await endOfTurn();
  sent[0]?.answer();
  await endOfTurn();
  assertEquals(keysOf(sent), [["b"]]);
});

test("KeyBatcher.takeAll() removes what waits, and serves what comes later", async () => {
  const { batcher, sent } = setUp({ maxUnanswered: 1 });
  add(batcher, "a");
  await endOfTurn();
  for (const key of ["b", "c"]) add(batcher, key);
  assertEquals(batcher.size, 2);
  assertEquals(batcher.takeAll().map(({ key }) => key), ["b", "c"]);
  assertEquals(batcher.size, 0);
  add(batcher, "d");
  sent[0]?.answer();
  await endOfTurn();
  assertEquals(keysOf(sent), [["a"], ["d"]]);
});

test("KeyCall settles once, and lets go of its caller's signal", async () => {
  const leaver = new AbortController();
  const waiter = Promise.withResolvers<EncodedValue>();
  const call = new KeyCall("group", "key", { signal: leaver.signal }, waiter);
  let left = 0;
  call.onLeave = () => left++;
  const value = { view: viewOf(new Uint8Array(1)), expiresAtMs: Infinity };
  call.resolve(value);
  call.reject(new Error("too late"));
  leaver.abort();
  assertEquals(await waiter.promise, value);
  assertEquals(left, 0);
});

test("KeyCall tells when its caller leaves, and rejects with the signal's reason", async () => {
  const leaver = new AbortController();
  const waiter = Promise.withResolvers<EncodedValue>();
  const call = new KeyCall("group", "key", { signal: leaver.signal }, waiter);
  const reasons: unknown[] = [];
  call.onLeave = (left, reason) => reasons.push(left === call && reason);
  const reason = new Error("had enough");
  leaver.abort(reason);
  assertEquals(await waiter.promise.catch((error) => error), reason);
  assertEquals(reasons, [reason]);
  const lateWaiter = Promise.withResolvers<EncodedValue>();
  const late = new KeyCall("group", "key", { signal: leaver.signal }, lateWaiter);
  assert(late.isSettled);
  assertEquals(await lateWaiter.promise.catch((error) => error), reason);
});
