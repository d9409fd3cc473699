import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ChangeTurns } from "../../lib/consistency/change_turns.ts";
import { test } from "../runtime.ts";

const { signal } = new AbortController();

/** Turns that are all taken. */
function allTaken(maxChanges?: number): { turns: ChangeTurns; count: number } {
  const turns = new ChangeTurns(maxChanges ?? 0);
  let count = 0;
  while (count < 10_000 && turns.begin(signal) === undefined) count++;
  return { turns, count };
}

test("ChangeTurns lets an eighth of what a log holds begin at once, and at least 64", () => {
  assertEquals([1, 1000, 16_384].map((maxChanges) => allTaken(maxChanges).count), [64, 125, 2048]);
});

test("ChangeTurns lets those that wait begin one by one, in order, without those that left", async () => {
  const { turns } = allTaken();
  turns.end();
  const caller = new AbortController();
  const begun: number[] = [];
  const all = Array.from({ length: 9 }, async (_, i) => {
    await turns.begin(i % 3 === 1 ? caller.signal : signal);
    begun.push(i);
  });
  caller.abort(new Error("left"));
  for (const i of [1, 4, 7]) await assertRejects(() => all[i] as Promise<void>, Error, "left");
  assertThrows(() => turns.begin(caller.signal), Error, "left");
  for (let i = 0; i < 3; i++) turns.end();
  await Promise.all([0, 2, 3].map((i) => all[i]));
  assertEquals(begun, [0, 2, 3]);
  for (let i = 0; i < 4; i++) turns.end();
  await Promise.all([5, 6, 8].map((i) => all[i]));
  assertEquals(begun, [0, 2, 3, 5, 6, 8]);
  assertEquals([turns.begin(signal), turns.begin(signal)?.constructor], [undefined, Promise]);
});
