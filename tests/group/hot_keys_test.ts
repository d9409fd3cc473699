import { assert, assertEquals } from "@std/assert";
import { HotKeys } from "../../lib/group/hot_keys.ts";
import { test } from "../runtime.ts";

const START = 1_700_000_000_000;

function setUp(minuteQps: number, random = () => 0.5): HotKeys {
  return new HotKeys({ minuteQps, random, nowMs: START });
}

test("HotKeys mirrors keys at or above the threshold", () => {
  const hotKeys = setUp(60);
  assertEquals([59, 60, 61].map((rate) => hotKeys.shouldMirror(rate, START)), [false, true, true]);
});

test("HotKeys mirrors all keys at 0 and none at Infinity", () => {
  assert(setUp(0).shouldMirror(0.001, START));
  assert(!setUp(Infinity, () => 0).shouldMirror(1e9, START));
  assert(!setUp(Infinity, () => 0).shouldMirror(undefined, START));
});

test("HotKeys mirrors one value in ten of an owner that sends no rate, like Go peers", () => {
  for (const rate of [undefined, 0]) {
    assert(setUp(60, () => 0.09).shouldMirror(rate, START));
    assert(!setUp(60, () => 0.1).shouldMirror(rate, START));
  }
});

test("HotKeys raises the threshold while mirrors evict each other, and lowers it afterwards", () => {
  const hotKeys = setUp(60);
  for (let i = 0; i < 20; i++) hotKeys.evictedMirrors(START);
  const raised = hotKeys.threshold(START);
  assert(raised > 300, `raised to ${raised}`);
  assert(!hotKeys.shouldMirror(200, START));
  assert(hotKeys.threshold(START + 60_000) < raised * 0.7);
  assert(hotKeys.shouldMirror(61, START + 3_600_000));
});
