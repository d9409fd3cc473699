import { assert, assertEquals } from "@std/assert";
import { GroupCacheError } from "../../lib/errors.ts";
import { CircuitBreaker } from "../../lib/peer/circuit_breaker.ts";
import { VirtualClock } from "../../lib/testing/mod.ts";
import { test } from "../runtime.ts";

const DOWN = new GroupCacheError("peer-failed", "Cannot ask peer: down");

/** A breaker whose probes the test answers. */
class Setup {
  readonly clock = new VirtualClock();
  readonly events: string[] = [];
  readonly probes: PromiseWithResolvers<boolean>[] = [];
  readonly breaker: CircuitBreaker;

  constructor(random = 1) {
    this.breaker = new CircuitBreaker({
      clock: this.clock,
      random: () => random,
      probe: () => {
        const probe = Promise.withResolvers<boolean>();
        this.probes.push(probe);
        return probe.promise;
      },
      onOpen: ({ message }) => this.events.push(message),
      onClose: () => this.events.push("up"),
    });
  }

  fail(times: number): void {
    for (let i = 0; i < times; i++) this.breaker.failed(DOWN);
  }

  /** How long the breaker lets nothing through, before it probes. */
  async pauseMs(): Promise<number> {
    const startMs = this.clock.now();
    const probes = this.probes.length;
    for (;;) {
      assertEquals(this.breaker.admits(), false);
      if (this.probes.length > probes) return this.clock.now() - startMs;
      await this.clock.advance(50);
    }
  }

  async answer(isUp: boolean): Promise<void> {
    this.probes.at(-1)?.resolve(isUp);
    await this.clock.advance(0);
  }
}

test("CircuitBreaker opens with the fifth failure in a row, not before", () => {
  const { breaker, events, ...setup } = new Setup();
  for (let i = 0; i < 4; i++) breaker.failed(DOWN);
  breaker.succeeded();
  for (let i = 0; i < 4; i++) breaker.failed(DOWN);
  assert(breaker.admits());
  breaker.failed(DOWN);
  assertEquals(breaker.admits(), false);
  assertEquals(events, [DOWN.message]);
  assertEquals(setup.probes, []);
});

test("CircuitBreaker opens when half of the last twenty calls failed", () => {
  const { breaker } = new Setup();
  for (let i = 0; i < 9; i++) {
    breaker.failed(DOWN);
    breaker.succeeded();
  }
  assert(breaker.admits());
  breaker.failed(DOWN);
  assertEquals(breaker.admits(), false);
});

test("CircuitBreaker forgets failures that are more than twenty calls old", () => {
  const { breaker } = new Setup();
  for (let round = 0; round < 100; round++) {
    for (let i = 0; i < 9; i++) {
      breaker.failed(DOWN);
      breaker.succeeded();
    }
    for (let i = 0; i < 20; i++) breaker.succeeded();
    assert(breaker.admits());
  }
});

test("CircuitBreaker reports once that it opens, however many calls fail", () => {
  const setup = new Setup();
  setup.fail(50);
  assertEquals(setup.events, [DOWN.message]);
});

test("CircuitBreaker pauses longer after each probe that fails, up to 3 seconds", async () => {
  const setup = new Setup();
  setup.fail(5);
  const pauses = [];
  for (let i = 0; i < 5; i++) {
    pauses.push(await setup.pauseMs());
    await setup.answer(false);
  }
  assertEquals(pauses, [500, 1000, 2000, 3000, 3000]);
});

test("CircuitBreaker does not pause again after a probe that took longer than the pause", async () => {
  const setup = new Setup();
  setup.fail(5);
  await setup.pauseMs();
  await setup.clock.advance(3000);
  await setup.answer(false);
  assertEquals(await setup.pauseMs(), 0);
});

test("CircuitBreaker shortens each pause by a random part of up to a half", async () => {
  const setup = new Setup(0);
  setup.fail(5);
  assertEquals(await setup.pauseMs(), 250);
});

test("CircuitBreaker sends one probe at a time, and lets no call through meanwhile", async () => {
  const setup = new Setup();
  setup.fail(5);
  await setup.clock.advance(500);
  for (let i = 0; i < 10; i++) assertEquals(setup.breaker.admits(), false);
  assertEquals(setup.probes.length, 1);
  await setup.answer(true);
  assert(setup.breaker.admits());
  assertEquals(setup.events, [DOWN.message, "up"]);
});

test("CircuitBreaker does nothing without calls", async () => {
  const setup = new Setup();
  setup.fail(5);
  assertEquals(setup.clock.pendingTimers, 0);
  await setup.clock.advance(60_000);
  assertEquals(setup.probes, []);
});

test("CircuitBreaker opens for longer when it has just closed", async () => {
  const setup = new Setup();
  setup.fail(5);
  await setup.pauseMs();
  await setup.answer(true);
  setup.fail(5);
  assertEquals(await setup.pauseMs(), 1000);
  await setup.answer(true);
  await setup.clock.advance(30_000);
  setup.fail(5);
  assertEquals(await setup.pauseMs(), 500);
});

test("CircuitBreaker starts counting anew once it is closed", async () => {
  const setup = new Setup();
  setup.fail(9);
  await setup.pauseMs();
  await setup.answer(true);
  setup.fail(4);
  assert(setup.breaker.admits());
});

test("CircuitBreaker stays closed if it is closed during a probe that then fails", async () => {
  const setup = new Setup();
  setup.fail(5);
  await setup.pauseMs();
  setup.breaker.close();
  await setup.answer(false);
  assert(setup.breaker.admits());
  assertEquals(setup.events, [DOWN.message, "up"]);
});
