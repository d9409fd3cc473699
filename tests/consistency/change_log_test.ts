import { assert, assertEquals } from "@std/assert";
import type { Change } from "../../lib/wire/change.ts";
import { ChangeLog } from "../../lib/consistency/change_log.ts";
import { test } from "../runtime.ts";

function change(key: string, time: number, origin = "other"): Change {
  return { group: "pages", key, stamp: { time, origin } };
}

test("ChangeLog.next() gives stamps later than all that were heard of", () => {
  const log = new ChangeLog({ origin: "me" });
  log.add(change("a", 7));
  log.witness(5);
  assertEquals(log.next(), { time: 8, origin: "me" });
  log.witness(20);
  assertEquals(log.next().time, 21);
});

test("ChangeLog.latest() finds a key's latest change, in whatever order they came", () => {
  const log = new ChangeLog({ origin: "me" });
  log.add(change("a", 7));
  log.add(change("a", 9));
  log.add(change("a", 8));
  log.add(change("b", 12));
  assertEquals(log.latest("pages", "a")?.stamp.time, 9);
  assertEquals(log.last("pages", "a")?.stamp.time, 8);
  assertEquals(log.latest("pages", "c"), undefined);
  assertEquals(log.find(change("a", 7))?.position, 1);
  assertEquals(log.find(change("a", 7, "another")), undefined);
});

test("ChangeLog.unsettled() leaves out what all peers of the list know", () => {
  const log = new ChangeLog({ origin: "me" });
  log.add(change("a", 7), { list: "L" });
  log.add(change("a", 9), { list: "L" });
  log.add(change("a", 8), {});
  const times = () => [...log.unsettled("pages", "a")].map(({ stamp }) => stamp.time);
  assertEquals(times(), [8, 9, 7]);
  log.settle("other", 7, "L");
  assertEquals(times(), [8, 9]);
  assertEquals(log.settledThrough, 1);
  // The process has another list by now: its word says nothing of changes told to the old one.
  log.settle("other", 9, "M");
  assertEquals(times(), [8, 9, 7].slice(0, 2));
  log.settle("other", 9, "L");
  assertEquals(times(), [8]);
  log.settleThrough(3);
  assertEquals(times(), []);
  assertEquals(log.settledThrough, 3);
});

/** A log of changes of one key, from time 1 on, and how many of them were looked at. */
function oftenChanged(options: { maxChanges: number }): { log: ChangeLog; steps: () => number } {
  const log = new ChangeLog({ origin: "me", ...options });
  let steps = 0;
  for (let time = 1; time <= options.maxChanges; time++) {
    const logged = log.add(change("key", time));
    const { previous } = logged;
    const get = () => {
      steps++;
      return previous;
    };
    Object.defineProperty(logged, "previous", { get, set: () => {} });
  }
  const before = steps;
  return { log, steps: () => steps - before };
}

test("ChangeLog forgets a change without going through all others of its key", () => {
  const { log, steps } = oftenChanged({ maxChanges: 100 });
  log.add(change("key", 101));
  assertEquals(log.start, 1);
  assert(steps() < 5, `${steps()} steps`);
});

test("ChangeLog.find() sees that a change is new without going through all others of its key", () => {
  const { log, steps } = oftenChanged({ maxChanges: 100 });
  assertEquals(log.find(change("key", 101)), undefined);
  assert(steps() < 5, `${steps()} steps`);
  assertEquals(log.find(change("key", 1))?.position, 1);
});

test("ChangeLog forgets the oldest changes first, and says up to where", () => {
  const log = new ChangeLog({ origin: "me", maxChanges: 3 });
  for (let time = 1; time <= 5; time++) log.add(change(time % 2 === 0 ? "even" : "odd", time));
  assertEquals([log.start, log.end], [2, 5]);
  assertEquals([...log.after(0)].map(({ stamp }) => stamp.time), [3, 4, 5]);
  assertEquals([...log.after(4)].map(({ stamp }) => stamp.time), [5]);
  assertEquals(log.last("pages", "odd")?.previous?.previous, undefined);
  assertEquals(log.find(change("odd", 1)), undefined);
});

test("ChangeLog bounds the memory that long keys take, but holds the last change", () => {
  const log = new ChangeLog({ origin: "me", maxKeyUnits: 100 });
  log.add(change("short", 1));
  log.add(change("k".repeat(200), 2));
  assertEquals([log.start, log.end], [1, 2]);
});

test("ChangeLog settles nothing behind a change that was forgotten before it was settled", () => {
  const log = new ChangeLog({ origin: "me", maxChanges: 2 });
  for (let time = 1; time <= 4; time++) log.add(change("a", time), { list: "L" });
  log.settle("other", 4, "L");
  assertEquals(log.settledThrough, 0);
  assertEquals([...log.unsettled("pages", "a")], []);
  log.settleThrough(4);
  assertEquals(log.settledThrough, 4);
});

test("ChangeLog remembers only so many processes that have said what is settled", () => {
  const log = new ChangeLog({ origin: "me" });
  for (let i = 0; i < 1500; i++) log.settle(`origin ${i}`, 1, "L");
  log.add(change("a", 1, "origin 0"), { list: "L" });
  log.add(change("b", 1, "origin 1499"), { list: "L" });
  assertEquals([...log.unsettled("pages", "a")].length, 1);
  assert([...log.unsettled("pages", "b")].length === 0);
});
