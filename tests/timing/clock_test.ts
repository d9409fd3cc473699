import { assert } from "@std/assert";
import { systemClock } from "../../lib/timing/clock.ts";
import { test } from "../runtime.ts";

test("systemClock.unrefTimer() lets the process exit before the timer fires", () => {
  const timer = systemClock.setTimeout(() => {}, 60_000) as { hasRef(): boolean };
  try {
    assert(timer.hasRef());
    systemClock.unrefTimer?.(timer);
    assert(!timer.hasRef());
  } finally {
    systemClock.clearTimeout(timer);
  }
});
