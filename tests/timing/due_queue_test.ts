import { assert, assertEquals } from "@std/assert";
import type { Clock } from "../../lib/timing/clock.ts";
import { Due, DueQueue } from "../../lib/timing/due_queue.ts";
import { VirtualClock } from "../../lib/testing/mod.ts";
import { test } from "../runtime.ts";

function setUp(clock: Clock) {
  const queue = new DueQueue({ clock });
  const told: string[] = [];
  const startMs = clock.now();
  const add = (name: string, delayMs: number): Due => {
    const due = new class extends Due {
      onDue = () => void told.push(`${name} at ${clock.now() - startMs}`);
    }();
    queue.add(due, delayMs);
    return due;
  };
  return { queue, told, add };
}

test("DueQueue calls each onDue in time, with one timer for all", async () => {
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

test("DueQueue calls nothing that was removed, and leaves no timer behind", async () => {
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

test("DueQueue lets what arrived during a pause of the process be read first", () => {
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

test("DueQueue waits no longer than the delay when the clock is set back", () => {
  const clock = new HeldClock();
  const { add } = setUp(clock);
  add("a", 10);
  clock.nowMs -= 3_600_000;
  clock.run();
  assertEquals(clock.timers.map(({ delayMs }) => delayMs), [10]);
});

test("DueQueue handles different delays", async () => {
  const clock = new VirtualClock();
  const { queue, told, add } = setUp(clock);
  add("long", 100);
  const left = add("left", 5);
  add("short", 10);
  queue.remove(left);
  assertEquals(clock.pendingTimers, 1);
  await clock.advance(50);
  add("shortest", 1);
  await clock.advance(100);
  assertEquals(told, ["short at 10", "shortest at 51", "long at 100"]);
  assertEquals(clock.pendingTimers, 0);
});

test("DueQueue calls nothing that an earlier onDue removed", async () => {
  const clock = new VirtualClock();
  const { queue, told, add } = setUp(clock);
  const first = add("first", 10);
  const second = add("second", 10);
  first.onDue = () => queue.remove(second);
  await clock.advance(10);
  assertEquals(told, []);
  assertEquals(clock.pendingTimers, 0);
});

/** A clock whose timers do not keep a process up. */
class DetachingClock extends VirtualClock {
  detached = 0;
  timersSet = 0;
  override setTimeout(callback: () => void, delayMs: number): unknown {
    this.timersSet++;
    return super.setTimeout(callback, delayMs);
  }
  unrefTimer(): void {
    this.detached++;
  }
}

test("DueQueue can keep its timer for what is added next, until it is closed", async () => {
  const clock = new DetachingClock();
  const queue = new DueQueue({ clock, keepsTimer: true });
  const told: number[] = [];
  const due = new class extends Due {
    onDue = () => void told.push(clock.now());
  }();
  const startMs = clock.now();
  for (let calls = 0; calls < 100; calls++) {
    queue.add(due, 10);
    await clock.advance(1);
    queue.remove(due);
  }
  assertEquals(told, []);
  assertEquals(clock.pendingTimers, 1);
  assert(clock.timersSet <= 12, `expected a timer each 9 ms or so: received ${clock.timersSet}`);
  assertEquals(clock.detached, clock.timersSet);
  queue.add(due, 10);
  await clock.advance(10);
  assertEquals(told, [startMs + 110]);
  queue.add(due, 10);
  queue.remove(due);
  assertEquals(clock.pendingTimers, 1);
  queue.close();
  assertEquals(clock.pendingTimers, 0);
  queue.add(due, 10);
  queue.remove(due);
  assertEquals(clock.pendingTimers, 0);
});
