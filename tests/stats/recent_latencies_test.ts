import { assertEquals } from "@std/assert";
import { RecentLatencies } from "../../lib/stats/recent_latencies.ts";
import { test } from "../runtime.ts";

test("RecentLatencies remembers what is younger than 30 seconds and forgets what is older than 60", () => {
  const recent = new RecentLatencies(0);
  recent.record(1, 0);
  recent.record(1, 29_000);
  assertEquals(recent.stats(29_999).count, 2);
  recent.record(2, 30_000);
  assertEquals(recent.stats(58_000), { ...recent.stats(58_000), count: 3, sumMs: 4 });
  assertEquals(recent.stats(60_000).count, 1);
  assertEquals(recent.stats(90_000).count, 0);
});

test("RecentLatencies forgets all when nothing has come for a minute, or the clock is set back", () => {
  for (const later of [60_000, 10_000_000, -1]) {
    const recent = new RecentLatencies(0);
    recent.record(1, 0);
    assertEquals(recent.stats(later).count, 0);
  }
});
