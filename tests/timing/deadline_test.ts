import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { type Cancellation, LightCancellation } from "../../lib/timing/cancellation.ts";
import { withDeadline } from "../../lib/timing/deadline.ts";
import { VirtualClock } from "../../lib/testing/mod.ts";
import { test } from "../runtime.ts";

const late = new Error("late");

/** Work that the test settles, under a deadline of 100 ms. */
function setUp({ onLate = (): string => "late", ms = 100 } = {}) {
  const clock = new VirtualClock();
  const work = Promise.withResolvers<string>();
  const caller = new LightCancellation();
  const signals: Cancellation[] = [];
  let outcome: unknown;
  withDeadline((signal) => {
    signals.push(signal);
    return work.promise;
  }, { clock, ms, signal: caller, onLate }).then(
    (value) => outcome = value,
    (error) => outcome = error,
  );
  const signal = signals[0] as Cancellation; // Work starts at once.
  return { clock, work, caller, signal, outcome: () => outcome };
}

test("withDeadline() passes on the outcome of work done in time, and leaves no timer", async () => {
  for (const end of ["resolve", "reject"] as const) {
    const { clock, work, signal, outcome } = setUp();
    await clock.advance(99);
    assertEquals(outcome(), undefined);
    work[end]("done");
    await clock.advance(0);
    assertEquals(outcome(), "done");
    assertEquals(clock.pendingTimers, 0);
    await clock.advance(1000);
    assertEquals(signal.aborted, false);
  }
});

test("withDeadline() resolves to what onLate returns, and aborts the work", async () => {
  const { clock, work, signal, outcome } = setUp();
  await clock.advance(100);
  assertEquals(outcome(), "late");
  assert(signal.aborted);
  assertEquals((signal.reason as Error).name, "TimeoutError");
  work.reject(new Error("nobody listens"));
  await clock.advance(0);
  assertEquals(outcome(), "late");
});

test("withDeadline() rejects with what onLate throws, and aborts the work with it", async () => {
  const { clock, signal, outcome } = setUp({
    onLate: () => {
      throw late;
    },
  });
  await clock.advance(100);
  assertStrictEquals(outcome(), late);
  assertStrictEquals(signal.reason, late);
});

test("withDeadline() ends when its caller's signal aborts, and leaves no timer", async () => {
  const { clock, caller, signal, outcome } = setUp();
  caller.abort("left");
  await clock.advance(0);
  assertEquals(outcome(), "left");
  assertEquals(signal.reason, "left");
  assertEquals(clock.pendingTimers, 0);
});

test("withDeadline() does not abort finished work when its caller's signal aborts", async () => {
  const { clock, work, caller, signal } = setUp();
  work.resolve("done");
  await clock.advance(0);
  caller.abort("left");
  assertEquals(signal.aborted, false);
});

test("withDeadline() starts no work if its caller's signal was aborted before", async () => {
  const caller = new LightCancellation();
  caller.abort("left");
  let starts = 0;
  const outcome = await withDeadline(() => ++starts, {
    clock: new VirtualClock(),
    ms: 100,
    signal: caller,
    onLate: () => 0,
  }).catch((reason) => reason);
  assertEquals(outcome, "left");
  assertEquals(starts, 0);
});

test("withDeadline() sets no timer for Infinity", () => {
  assertEquals(setUp({ ms: Infinity }).clock.pendingTimers, 0);
});

test("withDeadline() rejects with what work throws at once, and leaves no timer", async () => {
  const clock = new VirtualClock();
  const outcome = await withDeadline((): string => {
    throw late;
  }, { clock, ms: 100, onLate: () => "late" }).catch((error) => error);
  assertStrictEquals(outcome, late);
  assertEquals(clock.pendingTimers, 0);
});

test("withDeadline() bounds work that returns a thenable other than a promise", async () => {
  const clock = new VirtualClock();
  // deno-lint-ignore no-explicit-any -- a loader may return what query builders do
  const never = { then: () => {} } as any;
  const outcome = withDeadline<string>(() => never, { clock, ms: 100, onLate: () => "late" });
  assertEquals(await clock.until(outcome), "late");
});
