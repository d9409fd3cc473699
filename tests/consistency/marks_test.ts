import { assertEquals } from "@std/assert";
import { ChangeLog } from "../../lib/consistency/change_log.ts";
import { Marks } from "../../lib/consistency/marks.ts";
import { NO_MARK } from "../../lib/wire/change_note.ts";
import { test } from "../runtime.ts";

const changeOf = (key: string, time: number, origin: string) => ({
  group: "group",
  key,
  stamp: { time, origin },
});

/** The setter counts further than the others. */
const SET = changeOf("key", 10, "setter");

function setUp({ maxChanges }: { maxChanges?: number } = {}): { log: ChangeLog; marks: Marks } {
  const log = new ChangeLog({ origin: "owner", ...maxChanges !== undefined && { maxChanges } });
  return { log, marks: new Marks(log, "owner") };
}

test("A mark covers a value until another process changes the key, whatever the stamp", () => {
  const { log, marks } = setUp();
  log.add(changeOf("key", 20, "other"));
  const mark = marks.current;
  assertEquals(marks.covers(mark, SET), true);
  log.add(changeOf("another", 21, "other"));
  assertEquals(marks.covers(mark, SET), true);
  log.add(changeOf("key", 5, "third"));
  assertEquals(marks.covers(mark, SET), false);
  assertEquals(marks.covers(marks.current, SET), true);
});

test("A mark covers a value in spite of what its process changed before, and not after", () => {
  const { log, marks } = setUp();
  const mark = marks.current;
  log.add(SET);
  log.add(changeOf("key", 9, "setter"));
  assertEquals(marks.covers(mark, SET), true);
  log.add(changeOf("key", 11, "setter"));
  assertEquals(marks.covers(mark, SET), false);
});

test("A mark covers nothing once a later change is forgotten", () => {
  const { log, marks } = setUp({ maxChanges: 2 });
  const mark = marks.current;
  for (const time of [1, 2]) log.add(changeOf("another", time, "other"));
  assertEquals(marks.covers(mark, SET), true);
  log.add(changeOf("another", 3, "other"));
  assertEquals(marks.covers(mark, SET), false);
});

test("A mark covers nothing after a renewal, in another process, or of what is yet to come", () => {
  const { log, marks } = setUp();
  const mark = marks.current;
  marks.renew();
  assertEquals(marks.covers(mark, SET), false);
  assertEquals(marks.covers(new Marks(log, "next").current, SET), false);
  assertEquals(marks.covers(NO_MARK, SET), false);
  const { current } = marks;
  assertEquals(marks.covers(`${current.split(".")[0]}.1`, SET), false);
  assertEquals(marks.covers(`${current.split(".")[0]}.x`, SET), false);
  assertEquals(marks.covers(current, SET), true);
});
