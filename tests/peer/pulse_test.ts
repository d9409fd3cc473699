import { assert, assertEquals } from "@std/assert";
import { Pulse } from "../../lib/peer/pulse.ts";
import { test } from "../runtime.ts";

test("Pulse gives a peer that it does not know three seconds, or what is allowed at most", () => {
  assertEquals(new Pulse(10_000).limitMs, 3000);
  assertEquals(new Pulse(2000).limitMs, 2000);
});

test("Pulse comes down to a second for a peer that is quick", () => {
  const pulse = new Pulse(10_000);
  for (let now = 0; now <= 60_000; now += 1000) pulse.answered(now - 5, now);
  assertEquals(pulse.limitMs, 1000);
});

test("Pulse gives a busy peer eight times its slowest recent answer, up to the most", () => {
  const pulse = new Pulse(10_000);
  pulse.answered(0, 500);
  assertEquals(pulse.limitMs, 4000);
  pulse.answered(0, 5000);
  assertEquals(pulse.limitMs, 10_000);
  pulse.answered(14_995, 15_000);
  assertEquals(pulse.limitMs, 10_000, "half of 5000, times 8");
  pulse.answered(44_995, 45_000);
  assertEquals(pulse.limitMs, 2500);
});

test("Pulse always gives the most to a peer that gives no signs of life", () => {
  const pulse = new Pulse(10_000);
  pulse.isSteady = true;
  pulse.answered(0, 1);
  assertEquals(pulse.limitMs, 10_000);
  assertEquals(pulse.isSilent(1, 20_000), false);
});

test("Pulse takes a peer for silent if nothing was heard for as long as may be", () => {
  const pulse = new Pulse(1000);
  pulse.answered(0, 1);
  assertEquals(pulse.isSilent(1000, 1999), false);
  assert(pulse.isSilent(1000, 2000));
  pulse.heard(2500);
  assertEquals(pulse.isSilent(1000, 3000), false, "something else was answered");
});

test("Pulse gives a peer that was silent more time when it is back", () => {
  const pulse = new Pulse(10_000);
  for (let now = 0; now <= 60_000; now += 1000) pulse.answered(now - 5, now);
  assert(pulse.isSilent(60_000, 61_000));
  assertEquals(pulse.limitMs, 2000);
});

test("Pulse takes a peer for late until it is heard again", () => {
  const pulse = new Pulse(1000);
  assertEquals(pulse.isLate, false);
  pulse.late(10);
  assert(pulse.isLate);
  pulse.heard(11);
  assertEquals(pulse.isLate, false);
});
