import { assertEquals } from "@std/assert";
import { SteadyClock } from "../../lib/timing/steady_clock.ts";
import { test } from "../runtime.ts";

function setup(): { times: number[]; clock: SteadyClock } {
  const times: number[] = [];
  const clock = new SteadyClock({
    now: () => times.shift() ?? NaN,
    setTimeout: () => undefined,
    clearTimeout: () => {},
  });
  return { times, clock };
}

test("SteadyClock.now() follows the underlying clock while that moves forward", () => {
  const { times, clock } = setup();
  times.push(1000, 1000, 1500, 3_601_500);
  assertEquals([1, 2, 3, 4].map(() => clock.now()), [1000, 1000, 1500, 3_601_500]);
});

test("SteadyClock.now() makes up for each step back", () => {
  const { times, clock } = setup();
  times.push(5000, 1000, 1010, 500, 510);
  assertEquals([1, 2, 3, 4, 5].map(() => clock.now()), [5000, 5000, 5010, 5010, 5020]);
});

test("SteadyClock passes timers on, and lets the process exit while they are pending if the clock can", () => {
  const calls: unknown[] = [];
  const clock = new SteadyClock({
    now: () => 0,
    setTimeout: (_, delayMs) => calls.push(["set", delayMs]),
    clearTimeout: (timer) => calls.push(["clear", timer]),
    unrefTimer: (timer) => calls.push(["unref", timer]),
  });
  const timer = clock.setTimeout(() => {}, 30);
  clock.unrefTimer?.(timer);
  clock.clearTimeout(timer);
  assertEquals(calls, [["set", 30], ["unref", 1], ["clear", 1]]);
  assertEquals(setup().clock.unrefTimer, undefined);
});

test("SteadyClock.elapsed() reads the clock once a turn", async () => {
  let readings = 0;
  const clock = new SteadyClock({
    now: () => 0,
    elapsed: () => ++readings,
    setTimeout: () => undefined,
    clearTimeout: () => {},
  });
  assertEquals([clock.elapsed?.(), clock.elapsed?.()], [1, 1]);
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals([clock.elapsed?.(), clock.elapsed?.()], [2, 2]);
  assertEquals(setup().clock.elapsed, undefined);
});
