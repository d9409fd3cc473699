import { assertEquals } from "@std/assert";
import { test } from "../../runtime.ts";
import { Calm } from "../calm.ts";
import { History } from "../history.ts";
import { Handover } from "./handover.ts";

const NEEDED_MS = 1000;

/** Whether a value may be loaded that another process had when it began to leave. */
function mayLoad(
  { drainMs, tookMs, outcome }: {
    drainMs: number;
    tookMs: number;
    /** How a change ended before it had the value. */
    outcome?: "resolved" | "peer-failed";
  },
): boolean {
  let nowMs = 0;
  let isBroken = false;
  const history = new History(() => nowMs);
  const handover = new Handover({
    history,
    calm: new Calm(() => nowMs),
    neededMs: NEEDED_MS,
    report: () => isBroken = true,
  });
  if (outcome !== undefined) {
    const by = { name: "c", url: "http://c:1", started: history.instant(), isUp: true, peers: [] };
    const change = history.changeBegan({ kind: "remove", group: 0, key: "key", by, knew: [] });
    Object.assign(change, { outcome, ended: history.instant() });
  }
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

test("Handover allows it if a change failed before, which the process may have heard of since", () => {
  assertEquals(mayLoad({ drainMs: 500, tookMs: 499, outcome: "peer-failed" }), true);
  assertEquals(mayLoad({ drainMs: 500, tookMs: 499, outcome: "resolved" }), false);
});
