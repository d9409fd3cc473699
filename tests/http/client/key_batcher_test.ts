import { assert, assertEquals } from "@std/assert";
import { viewOf } from "../../../lib/byte_view.ts";
import { GroupCacheError } from "../../../lib/errors.ts";
import { KeyBatcher, type Sending } from "../../../lib/http/client/key_batcher.ts";
import { KeyCall } from "../../../lib/http/client/key_call.ts";
import { checkLimits, type PeerLimits } from "../../../lib/http/peer_limits.ts";
import { test } from "../../runtime.ts";

/** A batcher whose requests end when the test says so. */
function setUp(limits: Partial<PeerLimits> = {}, takesBatches = true) {
  const sent: { calls: readonly KeyCall[]; sending: Sending; end: () => void }[] = [];
  const batcher = new KeyBatcher({
    url: "http://peer:8080",
    limits: checkLimits(limits),
    takesBatches: () => takesBatches,
    send: (calls, sending) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      sent.push({ calls, sending, end: resolve });
      return promise;
    },
  });
  return { batcher, sent };
}

function add(batcher: KeyBatcher, key: string, group = "group", signal?: AbortSignal): KeyCall {
  const call = new KeyCall(group, key, { signal });
  call.value.catch(() => {});
  batcher.add(call);
  return call;
}

function keysOf(sent: { calls: readonly KeyCall[] }[]): string[][] {
  return sent.map(({ calls }) => calls.map(({ key }) => key));
}

/** Lets all microtasks run. */
function endOfTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

test("KeyBatcher sends the calls of one turn together", async () => {
  const { batcher, sent } = setUp();
  for (const key of ["a", "b", "c"]) add(batcher, key);
  assertEquals(sent.length, 0);
  await endOfTurn();
  assertEquals(keysOf(sent), [["a", "b", "c"]]);
});

test("KeyBatcher sends many calls of one turn in two halves, so that both sides are busy", async () => {
  const { batcher, sent } = setUp();
  const keys = Array.from({ length: 65 }, (_, i) => `key ${i}`);
  for (const key of keys) add(batcher, key);
  await endOfTurn();
  assertEquals(keysOf(sent), [keys.slice(0, 33), keys.slice(33)]);
  // The callers of one half come back while the other one is under way: they stay together.
  sent[0]?.end();
  for (const key of keys) add(batcher, key);
  await endOfTurn();
  assertEquals(keysOf(sent.slice(2)), [keys]);
});

test("KeyBatcher does not part calls that are to travel together", async () => {
  const { batcher, sent } = setUp();
  const single = Array.from({ length: 20 }, (_, i) => `single ${i}`);
  const many = Array.from({ length: 40 }, (_, i) => `many ${i}`);
  const addMany = () => {
    for (const key of many) batcher.add(new KeyCall("group", key, { together: true }));
  };
  for (const key of single) add(batcher, key);
  addMany();
  for (const key of single) add(batcher, key);
  await endOfTurn();
  assertEquals(keysOf(sent), [[...single, ...many], single]);
  for (const { end } of sent.splice(0)) end();
  await endOfTurn();
  addMany();
  await endOfTurn();
  assertEquals(keysOf(sent), [many]);
});

test("KeyBatcher gathers callers that come back a few promises apart", async () => {
  const { batcher, sent } = setUp();
  const answered = Promise.resolve();
  answered.then(() => add(batcher, "a"));
  answered.then(() => {}).then(() => {}).then(() => add(batcher, "b"));
  await endOfTurn();
  assertEquals(keysOf(sent), [["a", "b"]]);
});

test("KeyBatcher sends calls of different groups apart", async () => {
  const { batcher, sent } = setUp();
  add(batcher, "a", "one");
  add(batcher, "b", "two");
  add(batcher, "c", "one");
  await endOfTurn();
  assertEquals(keysOf(sent), [["a", "c"], ["b"]]);
});

test("KeyBatcher lets calls gather while as many requests as may be are unanswered", async () => {
  const { batcher, sent } = setUp({ maxBatches: 2 });
  for (const key of ["a", "b", "c", "d"]) {
    add(batcher, key);
    await endOfTurn();
  }
  assertEquals(keysOf(sent), [["a"], ["b"]]);
  sent[0]?.sending.onAnswer();
  await endOfTurn();
  assertEquals(keysOf(sent), [["a"], ["b"], ["c", "d"]]);
});

test("KeyBatcher frees a place once for a request, when it is answered or when it has ended", async () => {
  const { batcher, sent } = setUp({ maxBatches: 1 });
  add(batcher, "a");
  await endOfTurn();
  for (const key of ["b", "c"]) add(batcher, key);
  sent[0]?.sending.onAnswer();
  sent[0]?.sending.onAnswer();
  await endOfTurn();
  add(batcher, "d");
  sent[0]?.end();
  await endOfTurn();
  assertEquals(keysOf(sent), [["a"], ["b", "c"]], "the second has not been answered");
  sent[1]?.end();
  await endOfTurn();
  assertEquals(keysOf(sent), [["a"], ["b", "c"], ["d"]]);
});

test("KeyBatcher says of a request whether it is alone", async () => {
  const { batcher, sent } = setUp();
  add(batcher, "a");
  await endOfTurn();
  add(batcher, "b");
  await endOfTurn();
  sent[0]?.end();
  sent[1]?.end();
  await endOfTurn();
  add(batcher, "c");
  await endOfTurn();
  assertEquals(sent.map(({ sending }) => sending.isAlone), [true, false, true]);
});

test("KeyBatcher sends single keys to a peer that takes no batches, many at a time", async () => {
  const { batcher, sent } = setUp({ maxGets: 2 }, false);
  for (const key of ["a", "b", "c"]) add(batcher, key);
  await endOfTurn();
  assertEquals(keysOf(sent), [["a"], ["b"]]);
  sent[1]?.end();
  await endOfTurn();
  assertEquals(keysOf(sent), [["a"], ["b"], ["c"]]);
});

test("KeyBatcher bounds the keys and the bytes of a request, and sends all in the end", async () => {
  const keys = Array.from({ length: 10 }, (_, index) => String(index).repeat(100));
  for (const limits of [{ maxKeys: 3 }, { maxKeyBytes: 600 }]) {
    const { batcher, sent } = setUp({ ...limits, maxBatches: 100 });
    for (const key of keys) add(batcher, key);
    await endOfTurn();
    assertEquals(keysOf(sent).map(({ length }) => length), [3, 3, 3, 1]);
    assertEquals(keysOf(sent).flat(), keys);
  }
});

test("KeyBatcher sends a key that is larger than a request may be by itself", async () => {
  const { batcher, sent } = setUp({ maxKeyBytes: 10, maxBatches: 100 });
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
    'Cannot ask peer http://peer:8080 for "c": 2 calls to it wait already',
  );
  assertEquals(calls.map(({ isSettled }) => isSettled), [false, false, true]);
});

test("KeyBatcher leaves out calls whose callers have gone", async () => {
  const { batcher, sent } = setUp({ maxBatches: 1 });
  const leaver = new AbortController();
  add(batcher, "a", "group", leaver.signal);
  add(batcher, "b");
  add(batcher, "c", "other", leaver.signal);
  leaver.abort();
  await endOfTurn();
  sent[0]?.end();
  await endOfTurn();
  assertEquals(keysOf(sent), [["b"]]);
});

test("KeyBatcher.failQueued() rejects what waits, and serves what comes later", async () => {
  const { batcher, sent } = setUp({ maxBatches: 1 });
  add(batcher, "a");
  await endOfTurn();
  const waiting = ["b", "c"].map((key) => add(batcher, key));
  const down = new Error("down");
  batcher.failQueued(down);
  for (const { value } of waiting) assertEquals(await value.catch((error) => error), down);
  add(batcher, "d");
  sent[0]?.end();
  await endOfTurn();
  assertEquals(keysOf(sent), [["a"], ["d"]]);
});

test("KeyCall settles once, and lets go of its caller's signal", async () => {
  const leaver = new AbortController();
  const call = new KeyCall("group", "key", { signal: leaver.signal });
  let left = 0;
  call.onLeave = () => left++;
  const value = { view: viewOf(new Uint8Array(1)), expiresAtMs: Infinity };
  call.resolve(value);
  call.reject(new Error("too late"));
  leaver.abort();
  assertEquals(await call.value, value);
  assertEquals(left, 0);
});

test("KeyCall tells when its caller leaves, and rejects with the signal's reason", async () => {
  const leaver = new AbortController();
  const call = new KeyCall("group", "key", { signal: leaver.signal });
  const reasons: unknown[] = [];
  call.onLeave = (reason) => reasons.push(reason);
  const reason = new Error("had enough");
  leaver.abort(reason);
  assertEquals(await call.value.catch((error) => error), reason);
  assertEquals(reasons, [reason]);
  const late = new KeyCall("group", "key", { signal: leaver.signal });
  assert(late.isSettled);
  assertEquals(await late.value.catch((error) => error), reason);
});
