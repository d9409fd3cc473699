import { assertEquals } from "@std/assert";
import { test } from "../runtime.ts";
import { Gate } from "./gate.ts";
import { ProcessClock } from "./process_clock.ts";
import { Random } from "./random.ts";
import { Scheduler } from "./scheduler.ts";

test("Scheduler has events happen by time, those of one time in the order they were made", async () => {
  const scheduler = new Scheduler();
  const random = new Random("times");
  const times = Array.from({ length: 500 }, () => random.int(0, 50));
  const happened: [atMs: number, index: number][] = [];
  times.forEach((atMs, index) => {
    scheduler.at(atMs, () => happened.push([scheduler.nowMs, index]));
  });
  await scheduler.runUntil(100);
  const expected = times.map((atMs, index) => [atMs, index] as [number, number])
    .sort(([a, i], [b, j]) => a - b || i - j);
  assertEquals(happened, expected);
  assertEquals(scheduler.nowMs, 100);
});

test("Scheduler leaves out what was cancelled, and what comes later than the end", async () => {
  const scheduler = new Scheduler();
  const happened: string[] = [];
  const cancelled = scheduler.at(1, () => happened.push("cancelled"));
  scheduler.at(2, () => happened.push("due"));
  scheduler.at(3, () => happened.push("later"));
  scheduler.cancel(cancelled);
  assertEquals(await scheduler.runUntil(2), 1);
  assertEquals(happened, ["due"]);
  await scheduler.runUntil(3);
  assertEquals(happened, ["due", "later"]);
});

test("Scheduler lets everything follow from an event that needs no time before the next one", async () => {
  const scheduler = new Scheduler();
  const happened: string[] = [];
  scheduler.at(1, async () => {
    const body = new Response(new Blob(["body"]).stream()).body;
    await new Response(body).text();
    for (let i = 0; i < 100; i++) await undefined;
    happened.push("what follows");
  });
  scheduler.at(1, () => happened.push("next"));
  await scheduler.runUntil(1);
  assertEquals(happened, ["what follows", "next"]);
});

test("The gate of a frozen process holds its work back, and that of a dead one drops it", async () => {
  const scheduler = new Scheduler();
  const gate = new Gate(scheduler);
  const done: string[] = [];
  gate.freeze();
  gate.enter(() => done.push("a"));
  gate.enter(() => done.push("b"));
  await scheduler.runUntil(10);
  assertEquals(done, []);
  gate.thaw(new Random(1));
  await scheduler.runUntil(20);
  assertEquals(done.toSorted(), ["a", "b"]);
  gate.enter(() => done.push("c"));
  assertEquals(done.at(-1), "c");
  gate.kill();
  gate.enter(() => done.push("d"));
  assertEquals(done.at(-1), "c");
});

test("ProcessClock drifts and jumps, but its timers run on", async () => {
  const scheduler = new Scheduler();
  const gate = new Gate(scheduler);
  const clock = new ProcessClock(scheduler, gate, { offsetMs: 5000, rate: 2 });
  const startMs = clock.now();
  const ran: number[] = [];
  clock.setTimeout(() => ran.push(scheduler.nowMs), 100);
  clock.jump(-3_600_000);
  assertEquals(clock.now() - startMs, -3_600_000);
  await scheduler.runUntil(50);
  assertEquals(clock.now() - startMs, 100 - 3_600_000);
  assertEquals(ran, [50]);
});

test("ProcessClock runs no timer that was cleared while its process was frozen", async () => {
  const scheduler = new Scheduler();
  const gate = new Gate(scheduler);
  const clock = new ProcessClock(scheduler, gate, { offsetMs: 0, rate: 1 });
  const ran: string[] = [];
  const timer = clock.setTimeout(() => ran.push("cleared"), 10);
  clock.setTimeout(() => ran.push("due"), 10);
  gate.freeze();
  await scheduler.runUntil(100);
  assertEquals(clock.pendingTimers, 2);
  clock.clearTimeout(timer);
  gate.thaw(new Random(1));
  await scheduler.runUntil(200);
  assertEquals(ran, ["due"]);
  assertEquals(clock.pendingTimers, 0);
});
