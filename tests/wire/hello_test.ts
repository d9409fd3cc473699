import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { decodeHello, encodeHello } from "../../lib/wire/hello.ts";
import { test } from "../runtime.ts";

test("A hello arrives unchanged", () => {
  const hellos = fc.record({
    instance: fc.string(),
    self: fc.string(),
    peers: fc.array(fc.string()),
    placement: fc.string(),
    isLeaving: fc.boolean(),
    hadGivenUp: fc.boolean(),
  });
  fc.assert(fc.property(hellos, (hello) => assertEquals(decodeHello(encodeHello(hello)), hello)));
});

test("What a hello says of changes arrives as it left", () => {
  const time = fc.integer({ min: 0, max: 2 ** 40 });
  const reset = fc.record({
    gaps: fc.array(fc.record({ origin: fc.string(), size: time }), { minLength: 1 }),
    safe: fc.array(fc.string()),
  });
  const changes = fc.record({
    time,
    list: fc.string(),
    settledTime: time,
    reset,
    known: fc.record({
      count: time,
      to: fc.array(fc.record({ url: fc.string(), instance: fc.string() })),
    }),
    changes: fc.array(fc.record({
      group: fc.string(),
      key: fc.string({ unit: "binary" }),
      stamp: fc.record({ time, origin: fc.string() }),
    })),
  }, { requiredKeys: ["time", "list", "settledTime", "changes"] });
  const hello = {
    instance: "1",
    self: "http://a:1",
    peers: [],
    placement: "rendezvous",
    isLeaving: false,
    hadGivenUp: false,
  };
  fc.assert(fc.property(changes, (changes) => {
    assertEquals(decodeHello(encodeHello({ ...hello, changes })), { ...hello, changes });
  }));
});

const BAD_CHANGES: unknown[] = [
  null,
  {},
  { time: -1, list: "", settled: 0, changes: [] },
  { time: 0, list: "", settled: 1e300, changes: [] },
  { time: 0, list: 1, settled: 0, changes: [] },
  { time: 0, list: "", settled: 0, changes: {} },
  { time: 0, list: "", settled: 0, changes: [[1, "origin", "group"]] },
  { time: 0, list: "", settled: 0, changes: [[1, "origin", "group", 5]] },
  { time: 0, list: "", settled: 0, changes: [["1", "origin", "group", "key"]] },
  { time: 0, list: "", settled: 0, changes: [], reset: true },
  { time: 0, list: "", settled: 0, changes: [], reset: { gaps: [], safe: [] } },
  { time: 0, list: "", settled: 0, changes: [], reset: { gaps: [["origin", -1]], safe: [] } },
  { time: 0, list: "", settled: 0, changes: [], reset: { gaps: [[1, 1]], safe: [] } },
  { time: 0, list: "", settled: 0, changes: [], reset: { gaps: [["origin", 1]] } },
  { time: 0, list: "", settled: 0, changes: [], reset: { gaps: [["origin", 1]], safe: [1] } },
  { time: 0, list: "", settled: 0, changes: [], known: { count: -1, to: [] } },
  { time: 0, list: "", settled: 0, changes: [], known: { count: 0, to: [["http://a:1"]] } },
];

/** Logs keep thousands of them. */
const LONG = "x".repeat(65);
BAD_CHANGES.push(
  { time: 0, list: LONG, settled: 0, changes: [] },
  { time: 0, list: "", settled: 0, changes: [[1, LONG, "group", "key"]] },
  { time: 0, list: "", settled: 0, changes: [], reset: { gaps: [[LONG, 1]], safe: [] } },
  { time: 0, list: "", settled: 0, changes: [], reset: { gaps: [["origin", 1]], safe: [LONG] } },
  { time: 0, list: "", settled: 0, changes: [], known: { count: 0, to: [["http://a:1", LONG]] } },
);

test("decodeHello() refuses an instance id of more than 64 characters", () => {
  const hello = { self: "http://a:1", peers: [], placement: "p" };
  assertEquals(
    decodeHello(JSON.stringify({ ...hello, instance: "x".repeat(64) })).self,
    hello.self,
  );
  const long = JSON.stringify({ ...hello, instance: LONG });
  assertThrows(() => decodeHello(long), TypeError, "expected a hello");
});

for (const changes of BAD_CHANGES) {
  test(`decodeHello() refuses ${JSON.stringify(changes)} for changes`, () => {
    const hello = { instance: "1", self: "http://a:1", peers: [], placement: "p", changes };
    assertThrows(() => decodeHello(JSON.stringify(hello)), TypeError, "changes");
  });
}

test("decodeHello() treats missing flags as false, and drops unknown members", () => {
  const hello = { instance: "1", self: "http://a:1", peers: [], placement: "rendezvous" };
  assertEquals(decodeHello(JSON.stringify({ ...hello, isLeaving: "yes", mood: "good" })), {
    ...hello,
    isLeaving: false,
    hadGivenUp: false,
  });
});

test("decodeHello() refuses anything else with a TypeError", () => {
  const texts = fc.oneof(fc.string(), fc.json());
  fc.assert(fc.property(texts, (text) => {
    assertThrows(() => decodeHello(text), TypeError, "expected a hello");
  }));
});
