import { assertEquals } from "@std/assert";
import { ChangeLog } from "../../lib/consistency/change_log.ts";
import { takeAfter } from "../../lib/consistency/take_after.ts";
import { test } from "../runtime.ts";

/** A log of changes of keys that have these lengths. */
function logOf(...lengths: number[]): ChangeLog {
  const log = new ChangeLog({ origin: "me" });
  for (const length of lengths) log.add({ group: "", key: "k".repeat(length), stamp: log.next() });
  return log;
}

/** The lengths of the keys in each update that tells a peer of a log. */
function updatesOf(log: ChangeLog): number[][] {
  const updates: number[][] = [];
  for (let from = 0; from < log.end && updates.length < 10;) {
    const { changes, through } = takeAfter(from, { log, knowsSettled: false });
    updates.push(changes.map(({ key }) => key.length));
    from = through;
  }
  return updates;
}

test("takeAfter() takes what fits one update, and at least one change, however long its key", () => {
  assertEquals(updatesOf(logOf(98_304)), [[98_304]]);
  assertEquals(updatesOf(logOf(1, 98_303, 1)), [[1, 98_303], [1]]);
  assertEquals(updatesOf(logOf(1, 200_000, 2, 3)), [[1], [200_000], [2, 3]]);
  assertEquals(updatesOf(logOf(...Array(501).fill(1))).map(({ length }) => length), [500, 1]);
});

test("takeAfter() passes over settled changes that the peer knows", () => {
  const log = logOf(1, 2, 3, 4);
  log.settleThrough(1);
  const third = [...log.after(2)][0];
  if (third !== undefined) third.isSettled = true;
  const { changes, through } = takeAfter(0, { log, knowsSettled: true });
  assertEquals([changes.map(({ position }) => position), through], [[2, 4], 4]);
  assertEquals(takeAfter(0, { log, knowsSettled: false }).changes.length, 4);
  log.settleThrough(4);
  assertEquals(takeAfter(0, { log, knowsSettled: true }), { changes: [], through: 4 });
});
