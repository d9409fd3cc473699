import { assertEquals, assertRejects } from "@std/assert";
import { LoadLimiter, LoadRefusedError } from "../../lib/group/load_limiter.ts";
import { VirtualClock } from "../../lib/testing/virtual_clock.ts";
import { test } from "../runtime.ts";

/** A loader that the test settles, behind a limiter. */
class Loads {
  readonly clock = new VirtualClock();
  /** The keys whose loads have begun, in order. */
  readonly begun: string[] = [];
  #settle = new Map<string, () => void>();
  #limited: (key: string, context: { signal: AbortSignal }) => Promise<string>;

  constructor(options: { maxLoads?: number; maxQueuedLoads?: number; loadTimeoutMs?: number }) {
    const limiter = new LoadLimiter({
      group: () => "group",
      maxLoads: 2,
      maxQueuedLoads: 100,
      loadTimeoutMs: 1000,
      clock: this.clock,
      ...options,
    });
    this.#limited = limiter.limit((key: string) => {
      this.begun.push(key);
      return new Promise<string>((resolve) => this.#settle.set(key, () => resolve(key)));
    });
  }

  load(key: string, signal: AbortSignal = new AbortController().signal): Promise<string> {
    const value = this.#limited(key, { signal });
    value.catch(() => {});
    return value;
  }

  async settle(key: string): Promise<void> {
    this.#settle.get(key)?.();
    await this.clock.advance(0);
  }
}

test("LoadLimiter starts a load at once if there is room", () => {
  const loads = new Loads({ maxLoads: 2 });
  loads.load("a");
  loads.load("b");
  loads.load("c");
  assertEquals(loads.begun, ["a", "b"]);
});

test("LoadLimiter starts waiting loads first come, first served", async () => {
  const loads = new Loads({ maxLoads: 1 });
  for (const key of "abcdef") loads.load(key);
  for (const key of "abcde") await loads.settle(key);
  assertEquals(loads.begun, [..."abcdef"]);
});

test("LoadLimiter never runs more than maxLoads, however many come", async () => {
  const clock = new VirtualClock();
  let running = 0;
  let most = 0;
  const limiter = new LoadLimiter({
    group: () => "group",
    maxLoads: 3,
    maxQueuedLoads: 1000,
    loadTimeoutMs: 1000,
    clock,
  });
  const load = limiter.limit(async (steps: number) => {
    most = Math.max(most, ++running);
    for (let i = 0; i < steps; i++) await Promise.resolve();
    running--;
    if (steps % 5 === 0) throw new Error("one in five fails");
  });
  const { signal } = new AbortController();
  await Promise.allSettled(Array.from({ length: 500 }, (_, i) => load(i % 17, { signal })));
  assertEquals([most, running], [3, 0]);
});

test("LoadLimiter refuses loads beyond maxQueuedLoads, and says so", async () => {
  const loads = new Loads({ maxLoads: 1, maxQueuedLoads: 2 });
  for (const key of "abc") loads.load(key);
  const error = await assertRejects(() => loads.load("d"), LoadRefusedError);
  assertEquals(error.code, "overloaded");
  assertEquals(
    error.message,
    'Cannot load from group "group": 1 loads run and 2 wait already',
  );
  await loads.settle("a");
  loads.load("e");
  for (const key of "bce") await loads.settle(key);
  assertEquals(loads.begun, [..."abce"]);
});

test("LoadLimiter does not start a load whose callers have left", async () => {
  const loads = new Loads({ maxLoads: 1, maxQueuedLoads: 1 });
  loads.load("a");
  const caller = new AbortController();
  const left = loads.load("b", caller.signal);
  caller.abort(new Error("gone"));
  await assertRejects(() => left, Error, "gone");
  loads.load("c");
  await loads.settle("a");
  assertEquals(loads.begun, ["a", "c"]);
});

test("LoadLimiter lets an abandoned load keep its place until it settles", async () => {
  const loads = new Loads({ maxLoads: 1 });
  const caller = new AbortController();
  loads.load("a", caller.signal);
  caller.abort(new Error("gone"));
  loads.load("b");
  await loads.clock.advance(999);
  assertEquals(loads.begun, ["a"]);
  await loads.settle("a");
  assertEquals(loads.begun, ["a", "b"]);
});

test("LoadLimiter frees the place of an abandoned load that never settles", async () => {
  const loads = new Loads({ maxLoads: 1, loadTimeoutMs: 1000 });
  const caller = new AbortController();
  loads.load("a", caller.signal);
  caller.abort(new Error("gone"));
  for (const key of "bc") loads.load(key);
  await loads.clock.advance(1000);
  assertEquals(loads.begun, ["a", "b"]);
  // Its place is not freed twice.
  await loads.settle("a");
  assertEquals(loads.begun, ["a", "b"]);
  assertEquals(loads.clock.pendingTimers, 0);
});

test("LoadLimiter starts the next load after many that came and left", async () => {
  const loads = new Loads({ maxLoads: 1, maxQueuedLoads: 10 });
  loads.load("a");
  for (let i = 0; i < 10_000; i++) {
    const caller = new AbortController();
    loads.load(`${i}`, caller.signal);
    caller.abort(new Error("gone"));
  }
  loads.load("b");
  await loads.settle("a");
  assertEquals(loads.begun, ["a", "b"]);
});
