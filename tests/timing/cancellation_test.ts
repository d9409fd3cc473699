import { assertEquals } from "@std/assert";
import { following } from "../../lib/timing/cancellation.ts";
import { test } from "../runtime.ts";

test("following() gives what is cancelled together with a signal, for the same reason", () => {
  const controller = new AbortController();
  const before = following(controller.signal);
  let calls = 0;
  before.addEventListener("abort", () => calls++);
  assertEquals(before.aborted, false);
  controller.abort("over");
  assertEquals([before.aborted, before.reason, calls], [true, "over", 1]);
  const after = following(controller.signal);
  assertEquals([after.aborted, after.reason], [true, "over"]);
});
