import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Latencies } from "../../lib/peer/latencies.ts";
import { test } from "../runtime.ts";

const START = 1_700_000_000_000;

/** What was told `times`, all at once. */
function told(times: Iterable<number>): Latencies {
  const latencies = new Latencies(START);
  for (const ms of times) latencies.record(ms, START);
  return latencies;
}

function assertBetween(value: number | undefined, least: number, most: number): void {
  assert(value !== undefined && value >= least && value <= most, `${least}–${most}: ${value}`);
}

test("Latencies.p99Ms is unknown before 100 answers", () => {
  const latencies = told(Array(99).fill(5));
  assertEquals(latencies.p99Ms, undefined);
  latencies.record(5, START);
  assertEquals(latencies.p99Ms, 6);
});

test("Latencies.p99Ms is longer than 99 of 100 times, by a sixteenth or 1 ms at most", () => {
  const ms = fc.oneof(
    fc.nat(50),
    fc.nat(2 ** 20 - 1),
    fc.double({ min: 0, max: 100, noNaN: true }),
  );
  // Found anew after each 32 times from the 100th on.
  const times = fc.nat(30).chain((more) => {
    const length = 100 + 32 * more;
    return fc.array(ms, { minLength: length, maxLength: length });
  });
  fc.assert(fc.property(times, (times) => {
    const p99 = told(times).p99Ms ?? NaN;
    const longest = times.toSorted((a, b) => b - a);
    const exact = longest[Math.floor(times.length * 0.01)] ?? NaN;
    assert(p99 > exact, `${p99} of ${exact}`);
    assert(p99 <= Math.floor(exact) + Math.max(1, exact / 16), `${p99} of ${exact}`);
  }));
});

test("Latencies.p99Ms ignores one slow answer in a hundred", () => {
  const times = Array.from({ length: 996 }, (_, i) => i % 100 === 99 ? 5000 : 2);
  assertEquals(told(times).p99Ms, 3);
});

test("Latencies.p99Ms follows a peer that becomes slow, and one that becomes quick again", () => {
  const latencies = new Latencies(START);
  let nowMs = START;
  const answer = (count: number, ms: number) => {
    for (let i = 0; i < count; i++) latencies.record(ms, nowMs += 10);
  };
  answer(3000, 2);
  assertEquals(latencies.p99Ms, 3);
  answer(64, 100);
  assertBetween(latencies.p99Ms, 100, 108);
  answer(3000, 100);
  answer(6000, 2); // A minute.
  assertEquals(latencies.p99Ms, 3);
});

test("Latencies keeps the measurements of a peer that is hardly asked", () => {
  const latencies = new Latencies(START);
  for (let i = 0; i < 900; i++) latencies.record(i % 50 === 0 ? 30 : 2, START + i * 60_000);
  assertEquals(latencies.p99Ms, 31);
});

test("Latencies survives times of zero, and a clock that is set back", () => {
  const latencies = told([-5, Infinity, 2 ** 40, ...Array(2000).fill(7)]);
  for (let i = 0; i < 2000; i++) latencies.record(-3_600_000, START - 3_600_000);
  for (let i = 0; i < 10_000; i++) latencies.record(20, START - 3_600_000 + i * 10);
  assertBetween(latencies.p99Ms, 20, 22);
});
