import { assert, assertEquals } from "@std/assert";
import { FailureDetector } from "../../lib/peer/failure_detector.ts";
import { test } from "../runtime.ts";

/** A peer that has been answering within 5 ms for a minute. */
function quick(maxLimitMs = 10_000): FailureDetector {
  const failureDetector = new FailureDetector(maxLimitMs);
  for (let now = 0; now <= 60_000; now += 1000) failureDetector.heard(now - 5, now);
  return failureDetector;
}

test("FailureDetector gives a new peer three seconds, or the maximum if that is less", () => {
  assertEquals(new FailureDetector(10_000).limitMs, 3000);
  assertEquals(new FailureDetector(2000).limitMs, 2000);
});

test("FailureDetector comes down to one second for a quick peer", () => {
  assertEquals(quick().limitMs, 1000);
});

test("FailureDetector gives a busy peer four times its longest recent silence, up to the maximum", () => {
  const failureDetector = new FailureDetector(10_000);
  failureDetector.heard(0, 1000);
  assertEquals(failureDetector.limitMs, 4000);
  failureDetector.heard(1000, 6000);
  assertEquals(failureDetector.limitMs, 10_000);
  failureDetector.heard(10_995, 11_000);
  assertEquals(failureDetector.limitMs, 10_000, "half of 5000, times 4");
  failureDetector.heard(20_995, 21_000);
  assertEquals(failureDetector.limitMs, 2500);
});

test("FailureDetector does not take a long queue for silence", () => {
  const failureDetector = new FailureDetector(10_000);
  // Each of them waited for two seconds, but one came every 10 ms.
  for (let now = 10; now <= 60_000; now += 10) failureDetector.heard(Math.max(0, now - 2000), now);
  assertEquals(failureDetector.limitMs, 1000);
});

test("FailureDetector always gives the maximum to a peer that gives no signs of life", () => {
  const failureDetector = new FailureDetector(10_000);
  failureDetector.isSteady = true;
  failureDetector.heard(0, 1);
  assertEquals(failureDetector.limitMs, 10_000);
  assertEquals(failureDetector.isSilent(1, 20_000), false);
});

test("FailureDetector calls a peer silent once nothing was heard for the limit", () => {
  const failureDetector = new FailureDetector(1000);
  failureDetector.heard(0, 1);
  assertEquals(failureDetector.isSilent(1000, 1999), false);
  assert(failureDetector.isSilent(1000, 2000));
  failureDetector.heard(1000, 2500);
  assertEquals(failureDetector.isSilent(1000, 3000), false, "something else was answered");
});

test("FailureDetector gives a peer that was given up more time when it is back", () => {
  const failureDetector = quick();
  failureDetector.gaveUp();
  assertEquals(failureDetector.limitMs, 2000);
});

test("FailureDetector calls a peer late until it is heard again", () => {
  const failureDetector = new FailureDetector(1000);
  assertEquals(failureDetector.isLate, false);
  failureDetector.late(10);
  assert(failureDetector.isLate);
  failureDetector.heard(11, 11);
  assertEquals(failureDetector.isLate, false);
});
