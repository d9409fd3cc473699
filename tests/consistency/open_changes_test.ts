import { assertEquals } from "@std/assert";
import { ChangeLog } from "../../lib/consistency/change_log.ts";
import { OpenChanges } from "../../lib/consistency/open_changes.ts";
import { test } from "../runtime.ts";

/** The changes of one process, whose log holds four. */
function setup() {
  const log = new ChangeLog({ origin: "me", maxChanges: 4 });
  const open = new OpenChanges(log);
  const make = () => {
    const change = log.add({ group: "g", key: "k", stamp: log.next() });
    open.add(change);
    return change;
  };
  return { log, open, make };
}

test("OpenChanges says up to which time all changes are settled", () => {
  const { log, open, make } = setup();
  assertEquals(open.settledTime, 0);
  const [, second] = [make(), make()];
  log.witness(9);
  assertEquals(open.settledTime, 0);
  open.delete(second);
  assertEquals(open.settledTime, 0);
  log.settleThrough(1);
  assertEquals(open.settledTime, 9);
});

test("OpenChanges keeps no more changes than the log, and takes none for settled that it forgot", () => {
  const { log, open, make } = setup();
  log.witness(5);
  for (let i = 0; i < 100; i++) make();
  assertEquals([open.size, open.settledTime], [4, 5]);
  log.settleThrough(95);
  assertEquals(open.settledTime, 5);
  log.settleThrough(98);
  assertEquals([open.settledTime, open.size], [103, 2]);
  log.settleThrough(100);
  assertEquals([open.settledTime, open.size], [105, 0]);
});
