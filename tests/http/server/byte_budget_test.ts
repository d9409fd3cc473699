import { assert, assertEquals } from "@std/assert";
import { ByteBudget } from "../../../lib/http/server/byte_budget.ts";
import { VirtualClock } from "../../../lib/testing/virtual_clock.ts";
import { test } from "../../runtime.ts";

test("ByteBudget grants room while there is some", () => {
  const budget = new ByteBudget(100, new VirtualClock());
  assert(budget.tryTake(60));
  assert(!budget.tryTake(41));
  assert(budget.tryTake(40));
  budget.give(60);
  assert(!budget.tryTake(61));
  assert(budget.tryTake(60));
});

test("ByteBudget lets something larger than all of it pass alone", () => {
  const budget = new ByteBudget(100, new VirtualClock());
  assert(budget.tryTake(1000));
  assert(!budget.tryTake(1));
  budget.give(1000);
  assert(budget.tryTake(1));
  assert(!budget.tryTake(1000));
});

test("ByteBudget admits those who wait in order of arrival", async () => {
  const clock = new VirtualClock();
  const budget = new ByteBudget(100, clock);
  assert(budget.tryTake(100));
  const entered: string[] = [];
  const wait = (name: string, bytes: number) =>
    budget.take(bytes, 1000).then((hasRoom) => entered.push(`${name} ${hasRoom}`));
  wait("large", 90);
  wait("small", 5);
  // It comes too late to overtake.
  assert(!budget.tryTake(0));
  budget.give(50);
  await clock.advance(0);
  assertEquals(entered, []);
  budget.give(50);
  await clock.advance(0);
  assertEquals(entered, ["large true", "small true"]);
  assertEquals(clock.pendingTimers, 0);
});

test("ByteBudget lets nobody wait beyond the limit, nor hold up those behind", async () => {
  const clock = new VirtualClock();
  const budget = new ByteBudget(100, clock);
  assert(budget.tryTake(50));
  const large = budget.take(100, 1000);
  const small = budget.take(50, 2000);
  await clock.advance(1000);
  assertEquals([await large, await small], [false, true]);
  assertEquals(clock.pendingTimers, 0);
});

test("ByteBudget lets at most 1,000 wait", async () => {
  const clock = new VirtualClock();
  const budget = new ByteBudget(1, clock);
  assert(budget.tryTake(1));
  const waiting = Array.from({ length: 1000 }, () => budget.take(1, 1000));
  assert(!await budget.take(1, 1000));
  await clock.advance(1000);
  assertEquals(new Set(await Promise.all(waiting)), new Set([false]));
});
