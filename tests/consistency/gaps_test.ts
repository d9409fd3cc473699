import { assert, assertEquals, assertFalse } from "@std/assert";
import { ChangeLog } from "../../lib/consistency/change_log.ts";
import { Gaps } from "../../lib/consistency/gaps.ts";
import { test } from "../runtime.ts";

function setUp(origin = "me"): { log: ChangeLog; gaps: Gaps } {
  const log = new ChangeLog({ origin, maxChanges: 1 });
  return { log, gaps: new Gaps({ origin, log, maxGaps: 2 }) };
}

function learn(gaps: Gaps, origin: string, size: number): boolean {
  return gaps.learn({ gaps: [{ origin, size }], safe: [] });
}

test("Gaps holds what the own log has forgotten and what others had", () => {
  const { log, gaps } = setUp();
  assertEquals(gaps.all, []);
  for (let i = 0; i < 3; i++) log.add({ group: "g", key: "key", stamp: log.next() });
  assert(learn(gaps, "a", 7));
  assertEquals(gaps.all, [{ origin: "me", size: 2 }, { origin: "a", size: 7 }]);
  assertEquals(gaps.count, 1);
});

test("Gaps bounds what it remembers, and whoever has not heard of that has missed something", () => {
  const [{ gaps }, { gaps: others }] = [setUp(), setUp("other")];
  learn(gaps, "a", 1);
  learn(gaps, "b", 1);
  learn(gaps, "a", 2);
  // As one that was told by this process before.
  for (const gap of gaps.all) others.learn({ gaps: [gap], safe: [] });
  assert(learn(gaps, "c", 1));
  assertEquals(gaps.all.map(({ origin }) => origin), ["me", "a", "c"]);
  assert(learn(others, "c", 1));
  assert(others.learn({ gaps: gaps.all, safe: [] }), "it has not heard of what was evicted here");
  assertFalse(learn(gaps, "a", 2));
});
