import { assertEquals, assertStringIncludes } from "@std/assert";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { prometheusText } from "../../lib/metrics/prometheus.ts";
import { test } from "../runtime.ts";
import { sampleGroup, sampleStats } from "../stats/sample_stats.ts";

const ENV = { ...process.env, PATH: `${process.env["PATH"]}:/usr/bin` };

function promtool(args: string[], input = ""): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync("promtool", args, { input, env: ENV });
  return { status, output: `${stdout ?? ""}${stderr ?? ""}` };
}

const hasPromtool = promtool(["--version"]).status === 0;

test("prometheusText() says where gets were answered from, and the parts add up to the total", () => {
  const text = prometheusText(sampleStats(1, 0));
  const counts = [...text.matchAll(/^groupcache_gets_total\{.*caller="app".*\} (\d+)$/gm)]
    .map(([, count]) => Number(count));
  assertEquals(
    counts.reduce((sum, count) => sum + count),
    sampleStats(1, 0).groups["group-0"]?.gets,
  );
  assertStringIncludes(
    text,
    'groupcache_gets_total{group="group-0",caller="peer",source="mirror"} 4\n',
  );
});

test("prometheusText() cumulates the buckets of a histogram up to its count", () => {
  const text = prometheusText(sampleStats(1, 0));
  const buckets = [...text.matchAll(/load_duration_seconds_bucket\{.*le="(.*)"\} (\d+)/g)]
    .map(([, bound, count]) => [bound, Number(count)]);
  assertEquals(buckets.at(0), ["0.0001", 1]);
  assertEquals(buckets.at(2), ["0.0005", 2]);
  assertEquals(buckets.at(-2), ["25", 6]);
  assertEquals(buckets.at(-1), ["+Inf", 7]);
});

test("prometheusText() escapes names", () => {
  const stats = { ...sampleStats(0, 0), groups: { 'a "b" \\ c\nd': sampleGroup(1) } };
  assertStringIncludes(
    prometheusText(stats),
    'groupcache_max_bytes{group="a \\"b\\" \\\\ c\\nd"} ',
  );
});

test(
  hasPromtool
    ? "prometheusText() is what promtool takes without complaint"
    : "prometheusText() is what promtool takes without complaint (there is no promtool here)",
  () => {
    const { status, output } = promtool(["check", "metrics"], prometheusText(sampleStats(3, 12)));
    assertEquals({ status, output }, { status: 0, output: "" });
  },
  { ignore: !hasPromtool && process.env["GROUPCACHE_REQUIRE_SERVICES"] !== "1" },
);
