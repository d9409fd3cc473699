import { assert, assertEquals, assertRejects } from "@std/assert";
import { VirtualClock } from "../../lib/testing/virtual_clock.ts";
import { test } from "../runtime.ts";

/** A clock that starts at 0, and what it ran, with the time. */
class Setup {
  readonly clock = new VirtualClock(0);
  readonly ran: [name: string, now: number][] = [];

  timer(name: string, delayMs: number): unknown {
    return this.clock.setTimeout(() => this.ran.push([name, this.clock.now()]), delayMs);
  }
}

test("VirtualClock stands still until it is advanced", async () => {
  const clock = new VirtualClock(1000);
  await new Response("time passes").text();
  assertEquals(clock.now(), 1000);
  await clock.advance(0.5);
  assertEquals(clock.now(), 1000.5);
});

test("VirtualClock.advance() runs due timers, in order, each at its time", async () => {
  const setup = new Setup();
  const { clock, ran } = setup;
  setup.timer("c", 30);
  setup.timer("a", 10);
  setup.timer("d", 31);
  setup.timer("b", 20);
  await clock.advance(30);
  assertEquals(ran, [["a", 10], ["b", 20], ["c", 30]]);
  assertEquals(clock.now(), 30);
  assertEquals(clock.pendingTimers, 1);
});

test("VirtualClock.advance() runs timers of the same time in the order they were set", async () => {
  const setup = new Setup();
  const { clock, ran } = setup;
  for (const name of ["a", "b", "c"]) setup.timer(name, 10);
  await clock.advance(10);
  assertEquals(ran.map(([name]) => name), ["a", "b", "c"]);
});

test("VirtualClock.advance() runs timers set by other timers, if they fall due as well", async () => {
  const setup = new Setup();
  const { clock, ran } = setup;
  clock.setTimeout(() => {
    setup.timer("at once", 0);
    setup.timer("later", 5);
    setup.timer("too late", 6);
  }, 10);
  await clock.advance(15);
  assertEquals(ran, [["at once", 10], ["later", 15]]);
  assertEquals(clock.pendingTimers, 1);
});

test("VirtualClock.advance() runs the consequences of a timer before the next timer", async () => {
  const clock = new VirtualClock(0);
  const events: string[] = [];
  const tick = Promise.withResolvers<void>();
  clock.setTimeout(tick.resolve, 10);
  clock.setTimeout(() => events.push("next timer"), 11);
  (async () => {
    await tick.promise;
    await new Response(new Blob(["a body"]).stream()).text();
    events.push("what follows");
  })();
  await clock.advance(20);
  assertEquals(events, ["what follows", "next timer"]);
});

test("VirtualClock.setTimeout() treats a negative delay as 0", async () => {
  const setup = new Setup();
  const { clock, ran } = setup;
  setup.timer("a", -5);
  await clock.advance(0);
  assertEquals(ran, [["a", 0]]);
});

test("VirtualClock.clearTimeout() cancels a timer, and ignores unknown ones", async () => {
  const setup = new Setup();
  const { clock, ran } = setup;
  const timer = setup.timer("a", 10);
  setup.timer("b", 10);
  clock.clearTimeout(timer);
  clock.clearTimeout(timer);
  clock.clearTimeout(undefined);
  clock.clearTimeout(42);
  assertEquals(clock.pendingTimers, 1);
  await clock.advance(10);
  assertEquals(ran.map(([name]) => name), ["b"]);
});

test("VirtualClock.clearTimeout() cancels a timer that is due at the same time", async () => {
  const setup = new Setup();
  const { clock, ran } = setup;
  clock.setTimeout(() => clock.clearTimeout(second), 10);
  const second = setup.timer("second", 10);
  await clock.advance(10);
  assertEquals(ran, []);
});

test("VirtualClock never goes back, even if advanced concurrently", async () => {
  const clock = new VirtualClock(0);
  const times: number[] = [];
  for (let at = 100; at <= 500; at += 100) clock.setTimeout(() => times.push(clock.now()), at);
  await Promise.all([clock.advance(500), clock.advance(100), clock.advance(0)]);
  assertEquals(times, [100, 200, 300, 400, 500]);
  assertEquals(clock.now(), 500);
  await clock.advance(-100);
  assertEquals(clock.now(), 500);
});

test("VirtualClock.until() advances as far as a promise needs, and no further", async () => {
  const setup = new Setup();
  const { clock, ran } = setup;
  const { promise, resolve } = Promise.withResolvers<string>();
  setup.timer("before", 1000);
  clock.setTimeout(() => resolve("value"), 60_000);
  setup.timer("after", 60_001);
  assertEquals(await clock.until(promise), "value");
  assertEquals(clock.now(), 60_000);
  assertEquals(ran, [["before", 1000]]);
});

test("VirtualClock.until() does not advance if the promise needs no timer", async () => {
  const setup = new Setup();
  const { clock, ran } = setup;
  setup.timer("a", 1);
  assertEquals(await clock.until(Promise.resolve("value")), "value");
  assertEquals(clock.now(), 0);
  assertEquals(ran, []);
});

test("VirtualClock.until() rejects as the promise does", async () => {
  const clock = new VirtualClock(0);
  const { promise, reject } = Promise.withResolvers<never>();
  clock.setTimeout(() => reject(new TypeError("refused")), 10);
  await assertRejects(() => clock.until(promise), TypeError, "refused");
});

test("VirtualClock.until() throws if no timer can settle the promise", async () => {
  const clock = new VirtualClock(0);
  clock.setTimeout(() => {}, 10);
  await assertRejects(
    () => clock.until(new Promise(() => {})),
    Error,
    "Cannot wait for promise: no timer is left to run",
  );
  assert(clock.now() >= 10);
});

test("VirtualClock closes both ends of what it waits with: Deno keeps 5 KB for one left open", async () => {
  const original = globalThis.MessageChannel;
  let opened = 0;
  let closed = 0;
  globalThis.MessageChannel = class extends original {
    constructor() {
      super();
      for (const port of [this.port1, this.port2]) {
        opened++;
        const close = port.close.bind(port);
        port.close = () => {
          closed++;
          close();
        };
      }
    }
  };
  try {
    await new VirtualClock().advance(10);
  } finally {
    globalThis.MessageChannel = original;
  }
  assertEquals([opened, closed], [2, 2]);
});
