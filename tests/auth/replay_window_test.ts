import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ReplayWindow } from "../../lib/auth/replay_window.ts";
import { test } from "../runtime.ts";

test("ReplayWindow.pass() lets each number pass once, in whatever order they come", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 60_000 })), (numbers) => {
      const window = new ReplayWindow();
      const passed = new Set<number>();
      for (const number of numbers) {
        assertEquals(window.pass(number), !passed.has(number));
        passed.add(number);
      }
    }),
  );
});

test("ReplayWindow.pass() lets nothing pass that is far behind the highest", () => {
  const window = new ReplayWindow();
  assert(window.pass(1));
  assert(window.pass(65_537));
  assert(!window.pass(1));
  assert(window.pass(2));
  assert(window.pass(10 * 65_536 + 2));
  assert(!window.pass(2));
  assert(!window.pass(65_537));
  assert(window.pass(2 ** 40 + 7));
  assert(!window.pass(2 ** 40 + 7));
});

for (const number of [0, -1, 1.5, NaN, Infinity, 2 ** 53]) {
  test(`ReplayWindow.pass() refuses ${number}`, () => {
    assert(!new ReplayWindow().pass(number));
  });
}
