import { assertEquals } from "@std/assert";
import { Pace } from "../../../lib/http/server/pace.ts";
import { test } from "../../runtime.ts";

/** A clock whose turns and milliseconds pass when the test says so. */
class Setup {
  readonly turns: (() => void)[] = [];
  readonly timers: { callback: () => void; ms: number }[] = [];
  readonly sent: string[] = [];
  readonly pace = new Pace({
    now: () => 0,
    setTimeout: (callback, ms) => this.timers.push({ callback, ms }),
    clearTimeout: () => {},
    nextTurn: (callback) => this.turns.push(callback),
  });

  send(name: string): void {
    this.pace.turn().then((bytes) => this.sent.push(`${name} ${bytes / 1024}`));
  }
  async pass(): Promise<void> {
    const timers = this.timers.splice(0).map(({ callback }) => callback);
    for (const callback of [...this.turns.splice(0), ...timers]) callback();
    await Promise.resolve();
  }
}

test("Pace gives each piece a turn of its own, in order", async () => {
  const setup = new Setup();
  for (const name of ["a", "b", "c"]) setup.send(name);
  for (const expected of [["a 64"], ["a 64", "b 64"], ["a 64", "b 64", "c 64"]]) {
    assertEquals([setup.turns.length, setup.timers.length], [1, 0]);
    await setup.pass();
    assertEquals(setup.sent, expected);
  }
  assertEquals([setup.turns.length, setup.timers.length], [0, 0]);
});

test("Pace waits a millisecond if something small was answered, and then sends a piece of each", async () => {
  const setup = new Setup();
  setup.pace.answered();
  for (const name of ["a", "b", "c"]) setup.send(name);
  assertEquals([setup.turns.length, setup.timers.map(({ ms }) => ms)], [0, [1]]);
  await setup.pass();
  assertEquals(setup.sent, ["a 32", "b 32", "c 32"]);
  setup.send("a");
  assertEquals([setup.turns.length, setup.timers.length], [1, 0], "nothing small was answered");
  setup.pace.answered();
  await setup.pass();
  setup.send("b");
  assertEquals(setup.timers.map(({ ms }) => ms), [1]);
  await setup.pass();
  assertEquals(setup.sent.slice(3), ["a 64", "b 32"]);
});
