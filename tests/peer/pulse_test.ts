import { assert, assertEquals } from "@std/assert";
import { Pulse } from "../../lib/peer/pulse.ts";
import { test } from "../runtime.ts";

/** A peer that has been answering within 5 ms for a minute. */
function quick(maxLimitMs = 10_000): Pulse {
  const pulse = new Pulse(maxLimitMs);
  for (let now = 0; now <= 60_000; now += 1000) pulse.heard(now - 5, now);
  return pulse;
}

test("Pulse gives a peer that it does not know three seconds, or what is allowed at most", () => {
  assertEquals(new Pulse(10_000).limitMs, 3000);
  assertEquals(new Pulse(2000).limitMs, 2000);
});

test("Pulse comes down to a second for a peer that is quick", () => {
  assertEquals(quick().limitMs, 1000);
});

test("Pulse gives a busy peer four times its longest recent silence, up to the most", () => {
  const pulse = new Pulse(10_000);
  pulse.heard(0, 1000);
  assertEquals(pulse.limitMs, 4000);
  pulse.heard(1000, 6000);
  assertEquals(pulse.limitMs, 10_000);
  pulse.heard(10_995, 11_000);
  assertEquals(pulse.limitMs, 10_000, "half of 5000, times 4");
  pulse.heard(20_995, 21_000);
  assertEquals(pulse.limitMs, 2500);
});

test("Pulse does not take a long queue for silence", () => {
  const pulse = new Pulse(10_000);
  // Each of them waited for two seconds, but one came every 10 ms.
  for (let now = 10; now <= 60_000; now += 10) pulse.heard(Math.max(0, now - 2000), now);
  assertEquals(pulse.limitMs, 1000);
});

test("Pulse always gives the most to a peer that gives no signs of life", () => {
  const pulse = new Pulse(10_000);
  pulse.isSteady = true;
  pulse.heard(0, 1);
  assertEquals(pulse.limitMs, 10_000);
  assertEquals(pulse.isSilent(1, 20_000), false);
});

test("Pulse takes a peer for silent if nothing was heard for as long as may be", () => {
  const pulse = new Pulse(1000);
  pulse.heard(0, 1);
  assertEquals(pulse.isSilent(1000, 1999), false);
  assert(pulse.isSilent(1000, 2000));
  pulse.heard(1000, 2500);
  assertEquals(pulse.isSilent(1000, 3000), false, "something else was answered");
});

test("Pulse gives a peer that was given up more time when it is back", () => {
  const pulse = quick();
  pulse.gaveUp();
  assertEquals(pulse.limitMs, 2000);
});

test("Pulse takes a peer for late until it is heard again", () => {
  const pulse = new Pulse(1000);
  assertEquals(pulse.isLate, false);
  pulse.late(10);
  assert(pulse.isLate);
  pulse.heard(11, 11);
  assertEquals(pulse.isLate, false);
});
