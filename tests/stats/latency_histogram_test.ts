import { assert, assertEquals } from "@std/assert";
import {
  LATENCY_BOUNDS_MS,
  LatencyHistogram,
  percentileMs,
} from "../../lib/stats/latency_histogram.ts";
import { test } from "../runtime.ts";

test("LatencyHistogram counts a time that equals a bound in the bucket that ends there", () => {
  for (const [index, bound] of LATENCY_BOUNDS_MS.entries()) {
    const histogram = new LatencyHistogram();
    histogram.record(bound);
    histogram.record(bound * 1.0001);
    const { buckets } = histogram.stats();
    assertEquals([buckets[index], buckets[index + 1]], [1, 1], `${bound} ms`);
  }
});

test("LatencyHistogram counts a negative latency, of a clock that was set back, as 0", () => {
  const histogram = new LatencyHistogram();
  for (const ms of [-5, NaN, 0]) histogram.record(ms);
  const { count, sumMs, buckets } = histogram.stats();
  assertEquals([count, sumMs, buckets[0]], [3, 0, 3]);
});

test("percentileMs() is off by 27 % at most, whatever the distribution", () => {
  const distributions: [string, (at: number) => number][] = [
    ["even", (at) => 0.05 + at * 10],
    ["exponential", (at) => -Math.log(1 - at * 0.9999) * 3],
    ["two peaks", (at) => at < 0.9 ? 0.2 + at / 100 : 80 + at],
  ];
  for (const [name, timeAt] of distributions) {
    const histogram = new LatencyHistogram();
    const times = Array.from({ length: 10_000 }, (_, index) => timeAt(index / 10_000));
    for (const ms of times) histogram.record(ms);
    for (const share of [0.5, 0.85, 0.99]) {
      const exact = times[Math.floor(share * times.length)] as number;
      const found = percentileMs(histogram.stats(), share) as number;
      assert(Math.abs(found - exact) <= exact * 0.27, `${name}, ${share}: ${found} for ${exact}`);
    }
  }
});

test("percentileMs() of nothing is undefined, and of what is beyond all bounds the last one", () => {
  const histogram = new LatencyHistogram();
  assertEquals(percentileMs(histogram.stats(), 0.5), undefined);
  histogram.record(1e9);
  assertEquals(percentileMs(histogram.stats(), 0.5), 80_000);
});
