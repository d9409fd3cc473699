import { assertEquals } from "@std/assert";
import { test } from "../../runtime.ts";
import { Calm } from "../calm.ts";
import { History } from "../history.ts";
import { Handover } from "./handover.ts";

const NEEDED_MS = 1000;

/** Whether a value may be loaded that another process had when it began to leave. */
function mayLoad({ drainMs, tookMs }: { drainMs: number; tookMs: number }): boolean {
  let nowMs = 0;
  let isBroken = false;
  const history = new History(() => nowMs);
  const handover = new Handover({
    history,
    calm: new Calm(() => nowMs),
    neededMs: NEEDED_MS,
    report: () => isBroken = true,
  });
  const about = { group: 0, key: "key", setBy: undefined, ttlMs: Infinity };
  handover.leaves("a", [history.newValue({ ...about, by: "a" })], drainMs);
  nowMs = tookMs;
  handover.closed("a");
  handover.check(history.newValue({ ...about, by: "b" }));
  return !isBroken;
}

test("Handover allows no load of what a process had that drained", () => {
  assertEquals(mayLoad({ drainMs: 500, tookMs: 499 }), false);
});

test("Handover allows it if the deadline came before slow messages could arrive", () => {
  assertEquals(mayLoad({ drainMs: 500, tookMs: 500 }), true);
  assertEquals(mayLoad({ drainMs: NEEDED_MS, tookMs: NEEDED_MS }), false);
});
