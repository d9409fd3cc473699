import { assertEquals } from "@std/assert";
import type { Clock } from "../../lib/clock.ts";
import { Due, DueQueue } from "../../lib/peer/due_queue.ts";
import { VirtualClock } from "../../lib/testing/mod.ts";
import { test } from "../runtime.ts";

function setUp(clock: Clock) {
  const queue = new DueQueue(clock);
  const told: string[] = [];
  const startMs = clock.now();
  const add = (name: string, delayMs: number): Due => {
    const due = new class extends Due {
      onDue = () => void told.push(`${name} at ${clock.now() - startMs}`);
    }();
    queue.add(due, clock.now(), delayMs);
    return due;
  };
  return { queue, told, add };
}

test("DueQueue tells each when it is due, with one timer for all", async () => {
  const clock = new VirtualClock();
  const { told, add } = setUp(clock);
  add("a", 10);
  await clock.advance(3);
  add("b", 10);
  add("c", 10);
  assertEquals(clock.pendingTimers, 1);
  await clock.advance(100);
  assertEquals(told, ["a at 10", "b at 13", "c at 13"]);
  assertEquals(clock.pendingTimers, 0);
});

test("DueQueue tells nobody who was removed, and leaves no timer behind", async () => {
  const clock = new VirtualClock();
  const { queue, told, add } = setUp(clock);
  const [a, b, c] = [add("a", 10), add("b", 11), add("c", 12)];
  queue.remove(a);
  await clock.advance(11);
  assertEquals(told, ["b at 11"]);
  assertEquals(b.queue, undefined);
  queue.remove(c);
  assertEquals(clock.pendingTimers, 0);
  await clock.advance(100);
  assertEquals(told, ["b at 11"]);
  add("d", 5);
  await clock.advance(5);
  assertEquals(told, ["b at 11", "d at 116"]);
});

/** A clock whose timers run when the test says so. */
class HeldClock implements Clock {
  nowMs = 1_700_000_000_000;
  timers: { callback: () => void; delayMs: number }[] = [];
  now = () => this.nowMs;
  setTimeout = (callback: () => void, delayMs: number) => this.timers.push({ callback, delayMs });
  clearTimeout = () => {};

  /** Runs the timer that was set last. */
  run(): void {
    this.timers.pop()?.callback();
  }
}

test("DueQueue lets what came during a pause of the process be read first", () => {
  const clock = new HeldClock();
  const { queue, told, add } = setUp(clock);
  const [answered] = [add("answered", 10), add("unanswered", 10)];
  clock.nowMs += 60;
  clock.run();
  assertEquals(told, []);
  assertEquals(clock.timers.map(({ delayMs }) => delayMs), [0]);
  queue.remove(answered);
  clock.run();
  assertEquals(told, ["unanswered at 60"]);
});

test("DueQueue waits no longer than it was told to when the clock is set back", () => {
  const clock = new HeldClock();
  const { add } = setUp(clock);
  add("a", 10);
  clock.nowMs -= 3_600_000;
  clock.run();
  assertEquals(clock.timers.map(({ delayMs }) => delayMs), [10]);
});
