import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { systemClock } from "../../../lib/timing/clock.ts";
import { Patience } from "../../../lib/http/client/patience.ts";
import { DueQueue } from "../../../lib/timing/due_queue.ts";
import { VirtualClock } from "../../../lib/testing/virtual_clock.ts";
import { test } from "../../runtime.ts";
import { never } from "./setup.ts";

/** Settles never, as a `fetch` may that ignores its signal. */
test("Patience.wait() gives what it waited for, and leaves no timer", async () => {
  const clock = new VirtualClock();
  assertEquals(
    await new Patience(new DueQueue({ clock }), undefined).wait(Promise.resolve(42), 100),
    42,
  );
  assertEquals(clock.pendingTimers, 0);
});

test("Patience.wait() fails as what it waited for did, and leaves no timer", async () => {
  const clock = new VirtualClock();
  const patience = new Patience(new DueQueue({ clock }), undefined);
  await assertRejects(() => patience.wait(Promise.reject(new TypeError("reset")), 100), TypeError);
  assertEquals(clock.pendingTimers, 0);
  assert(!patience.signal.aborted);
});

test("Patience.wait() ends when there is no sign of life for too long", async () => {
  const clock = new VirtualClock();
  const patience = new Patience(new DueQueue({ clock }), undefined);
  const failure = patience.wait(never(), 100).catch((error) => error);
  await clock.advance(99);
  assert(!patience.signal.aborted);
  await clock.advance(1);
  assertEquals((await failure).message, "no sign of life for 100 ms");
  assertStrictEquals(patience.signal.reason, await failure);
  assert(!patience.callerLeft);
  assertEquals(clock.pendingTimers, 0);
});

test("Patience.wait() counts the silence afresh each time", async () => {
  const clock = new VirtualClock();
  const patience = new Patience(new DueQueue({ clock }), undefined);
  for (let waits = 0; waits < 3; waits++) {
    const sign = Promise.withResolvers<number>();
    const wait = patience.wait(sign.promise, 100);
    await clock.advance(99);
    sign.resolve(waits);
    assertEquals(await wait, waits);
  }
});

test("Patience.wait() waits forever if the silence may last forever", async () => {
  const clock = new VirtualClock();
  const sign = Promise.withResolvers<number>();
  const wait = new Patience(new DueQueue({ clock }), undefined).wait(sign.promise, Infinity);
  assertEquals(clock.pendingTimers, 0);
  await clock.advance(1e12);
  sign.resolve(42);
  assertEquals(await wait, 42);
});

test("Patience.wait() asks the runtime for no longer timer than it has", async () => {
  const delays: unknown[] = [];
  const { setTimeout } = globalThis;
  globalThis.setTimeout = ((_: unknown, delayMs: number) => delays.push(delayMs)) as never;
  try {
    await new Patience(new DueQueue({ clock: systemClock }), undefined).wait(
      Promise.resolve(),
      2 ** 40,
    );
  } finally {
    globalThis.setTimeout = setTimeout;
  }
  // Runtimes take any longer delay for none.
  assertEquals(delays, [2 ** 31 - 1]);
});

test("Patience.wait() ends at once when the caller leaves, with the caller's reason", async () => {
  const clock = new VirtualClock();
  const caller = new AbortController();
  const patience = new Patience(new DueQueue({ clock }), caller.signal);
  const failure = patience.wait(never(), 100).catch((error) => error);
  const reason = new Error("I have to go");
  caller.abort(reason);
  assertStrictEquals(await failure, reason);
  assertStrictEquals(patience.signal.reason, reason);
  assert(patience.callerLeft);
  assertEquals(clock.pendingTimers, 0);
});

test("Patience.wait() does not wait for a caller who had left before", async () => {
  const clock = new VirtualClock();
  const reason = new Error("I was never here");
  const patience = new Patience(new DueQueue({ clock }), AbortSignal.abort(reason));
  assert(patience.signal.aborted);
  assertStrictEquals(await patience.wait(never(), 100).catch((error) => error), reason);
  assertEquals(clock.pendingTimers, 0);
});

test("Patience.wait() does not wait again once the silence was too long", async () => {
  const clock = new VirtualClock();
  const patience = new Patience(new DueQueue({ clock }), undefined);
  const failure = patience.wait(never(), 100).catch((error) => error);
  await clock.advance(100);
  assertStrictEquals(await patience.wait(never(), 100).catch((error) => error), await failure);
  assertEquals(clock.pendingTimers, 0);
});

test("Patience leaves no failure unhandled that comes after the end", async () => {
  const clock = new VirtualClock();
  const caller = new AbortController();
  const late = Promise.withResolvers<never>();
  const wait = new Patience(new DueQueue({ clock }), caller.signal).wait(late.promise, 100);
  caller.abort(new Error("I have to go"));
  await assertRejects(() => wait, Error, "I have to go");
  late.reject(new Error("connection reset"));
  await clock.advance(0);
});

test("Patience.end() stops listening to the caller", () => {
  const caller = new AbortController();
  const patience = new Patience(new DueQueue({ clock: new VirtualClock() }), caller.signal);
  patience.end();
  caller.abort();
  assert(!patience.signal.aborted);
});
