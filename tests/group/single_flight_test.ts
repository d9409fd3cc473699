import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { type Flight, SingleFlight } from "../../lib/group/single_flight.ts";
import { test } from "../runtime.ts";

/** Work that ends when the test says so, and remembers its flights. */
class Work {
  flights: Flight[] = [];
  outcomes: PromiseWithResolvers<string>[] = [];
  readonly run = (flight: Flight): Promise<string> => {
    const outcome = Promise.withResolvers<string>();
    this.flights.push(flight);
    this.outcomes.push(outcome);
    return outcome.promise;
  };
}

test("SingleFlight.run() shares one run among all concurrent callers", async () => {
  const flights = new SingleFlight<string>();
  const work = new Work();
  const waits = [1, 2, 3].map(() => flights.run("key", undefined, work.run));
  assertEquals(work.flights.length, 1);
  work.outcomes[0]?.resolve("value");
  assertEquals(await Promise.all(waits), ["value", "value", "value"]);
});

test("SingleFlight.run() runs different keys separately", async () => {
  const flights = new SingleFlight<string>();
  const work = new Work();
  const a = flights.run("a", undefined, work.run);
  const b = flights.run("b", undefined, work.run);
  work.outcomes[1]?.resolve("of b");
  work.outcomes[0]?.resolve("of a");
  assertEquals(await Promise.all([a, b]), ["of a", "of b"]);
});

test("SingleFlight.run() shares one failure among all waiters and does not keep it", async () => {
  const flights = new SingleFlight<string>();
  const work = new Work();
  const waits = [1, 2].map(() => flights.run("key", undefined, work.run));
  const failure = new Error("no");
  work.outcomes[0]?.reject(failure);
  for (const wait of waits) assertStrictEquals(await wait.catch((error) => error), failure);
  const retry = flights.run("key", undefined, work.run);
  work.outcomes[1]?.resolve("yes");
  assertEquals(await retry, "yes");
});

test("SingleFlight.run() starts a new run in the very turn in which a waiter got its value", async () => {
  const flights = new SingleFlight<string>();
  const work = new Work();
  const second = flights.run("key", undefined, work.run)
    .then(() => flights.run("key", undefined, work.run));
  work.outcomes[0]?.resolve("first");
  await Promise.resolve();
  while (work.outcomes.length < 2) await Promise.resolve();
  work.outcomes[1]?.resolve("second");
  assertEquals(await second, "second");
});

test("SingleFlight.run() ends only the wait of the caller whose signal aborts", async () => {
  const flights = new SingleFlight<string>();
  const work = new Work();
  const leaver = new AbortController();
  const leaving = flights.run("key", leaver.signal, work.run);
  const staying = flights.run("key", new AbortController().signal, work.run);
  const reason = new Error("had enough");
  leaver.abort(reason);
  assertStrictEquals(await leaving.catch((error) => error), reason);
  assert(!work.flights[0]?.signal.aborted);
  work.outcomes[0]?.resolve("value");
  assertEquals(await staying, "value");
});

test("SingleFlight.run() aborts the work when the last waiter leaves, and not before", async () => {
  const flights = new SingleFlight<string>();
  const work = new Work();
  const leavers = [new AbortController(), new AbortController(), new AbortController()];
  const waits = leavers.map(({ signal }) => flights.run("key", signal, work.run));
  const settled = Promise.allSettled(waits);
  leavers[0]?.abort();
  leavers[2]?.abort();
  assert(!work.flights[0]?.signal.aborted);
  leavers[1]?.abort(new Error("last"));
  assert(work.flights[0]?.signal.aborted);
  assertEquals((await settled).map(({ status }) => status), ["rejected", "rejected", "rejected"]);
  assert(!flights.has("key"));
});

test("SingleFlight.run() never aborts work that a caller without a signal waits for", async () => {
  const flights = new SingleFlight<string>();
  const work = new Work();
  const staying = flights.run("key", undefined, work.run);
  const leaver = new AbortController();
  const leaving = flights.run("key", leaver.signal, work.run);
  leaver.abort();
  await leaving.catch(() => {});
  assert(!work.flights[0]?.signal.aborted);
  work.outcomes[0]?.resolve("value");
  assertEquals(await staying, "value");
});

test("SingleFlight.run() starts a new run after an abort, undisturbed by the old work", async () => {
  const flights = new SingleFlight<string>();
  const work = new Work();
  const leaver = new AbortController();
  const leaving = flights.run("key", leaver.signal, work.run);
  leaver.abort();
  await leaving.catch(() => {});
  const fresh = flights.run("key", undefined, work.run);
  assertEquals(work.flights.length, 2);
  work.outcomes[0]?.reject(new Error("aborted"));
  await Promise.resolve();
  const joined = flights.run("key", undefined, work.run);
  assertEquals(work.flights.length, 2, "the old flight's end must not end the new one");
  work.outcomes[1]?.resolve("fresh");
  assertEquals(await Promise.all([fresh, joined]), ["fresh", "fresh"]);
});

test("SingleFlight.run() does no work for a signal that was aborted before", async () => {
  const flights = new SingleFlight<string>();
  const work = new Work();
  await assertRejects(() => flights.run("key", AbortSignal.abort(new Error("gone")), work.run));
  assertEquals(work.flights.length, 0);
});

test("SingleFlight.run() leaves no listener on a signal that outlives the call", async () => {
  const flights = new SingleFlight<string>();
  const { signal } = new AbortController();
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
    listeners++;
    addEventListener.apply(signal, args);
  };
  signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
    listeners--;
    removeEventListener.apply(signal, args);
  };
  await flights.run("key", signal, () => Promise.resolve("value"));
  await flights.run("key", signal, () => Promise.reject(new Error("no"))).catch(() => {});
  await Promise.resolve();
  assertEquals(listeners, 0);
});

test("SingleFlight.forget() makes the next caller start a new run while the others still get theirs", async () => {
  const flights = new SingleFlight<string>();
  const work = new Work();
  const before = flights.run("key", undefined, work.run);
  assert(work.flights[0]?.isCurrent);
  flights.forget("key");
  assert(!work.flights[0]?.isCurrent);
  const after = flights.run("key", undefined, work.run);
  assert(work.flights[1]?.isCurrent);
  work.outcomes[0]?.resolve("old");
  assertEquals(await before, "old");
  assert(work.flights[1]?.isCurrent, "the old flight's end must not end the new one");
  work.outcomes[1]?.resolve("new");
  assertEquals(await after, "new");
});

test("SingleFlight.failAll() fails flights in progress, including forgotten ones", async () => {
  const flights = new SingleFlight<string>();
  const work = new Work();
  const waits = ["a", "b"].map((key) => flights.run(key, undefined, work.run));
  flights.forget("a");
  const reason = new Error("closed");
  flights.failAll(reason);
  for (const wait of waits) assertStrictEquals(await wait.catch((error) => error), reason);
  assert(work.flights.every(({ signal }) => signal.aborted));
  assert(!flights.has("b"));
});

test("SingleFlight counts its waiters correctly in any order of arrivals and departures", async () => {
  // Every subset of three callers leaves in turn: the work aborts only if all three do.
  for (let leaving = 0; leaving < 8; leaving++) {
    const flights = new SingleFlight<string>();
    const work = new Work();
    const callers = [0, 1, 2].map(() => new AbortController());
    const settled = Promise.allSettled(
      callers.map(({ signal }) => flights.run("key", signal, work.run)),
    );
    callers.forEach((caller, index) => (leaving >> index) & 1 && caller.abort());
    assertEquals(work.flights[0]?.signal.aborted, leaving === 7);
    work.outcomes[0]?.resolve("value");
    assertEquals(
      (await settled).map(({ status }) => status),
      [0, 1, 2].map((index) => (leaving >> index) & 1 ? "rejected" : "fulfilled"),
    );
  }
});

test("SingleFlight.idle() keeps no flight going whose last caller leaves", async () => {
  const flights = new SingleFlight<string>();
  const leaver = new AbortController();
  let isAborted = false;
  const left = flights.run("key", leaver.signal, (flight) => {
    flight.signal.addEventListener("abort", () => isAborted = true);
    return new Promise(() => {});
  }).catch((reason) => reason);
  const idle = flights.idle();
  leaver.abort("left");
  assertEquals(await left, "left");
  assert(isAborted);
  await idle;
});

test("SingleFlight.run() notices a signal that the work's first part aborts", async () => {
  const flights = new SingleFlight<string>();
  const leaver = new AbortController();
  const left = flights.run("key", leaver.signal, () => {
    leaver.abort("left");
    return new Promise(() => {});
  }).catch((reason) => reason);
  assertEquals(await left, "left");
  assertEquals(flights.has("key"), false);
});

test("SingleFlight.idle() waits for flights in progress, forgotten ones, and those that start meanwhile", async () => {
  const flights = new SingleFlight<string>();
  const outcomes = Array.from({ length: 3 }, () => Promise.withResolvers<string>());
  const start = (index: number) =>
    flights.run(`key ${index}`, undefined, () => (outcomes[index] as typeof outcomes[0]).promise)
      .catch(() => {});
  const waits = [start(0), start(1)];
  flights.forget("key 1");
  let isIdle = false;
  const idle = flights.idle().then(() => isIdle = true);
  outcomes[0]?.resolve("value");
  await waits[0];
  waits.push(start(2));
  outcomes[1]?.reject(new Error("failed"));
  await waits[1];
  await new Promise((resolve) => setTimeout(resolve, 0));
  assertEquals(isIdle, false);
  outcomes[2]?.resolve("value");
  await idle;
  await flights.idle();
});

test("SingleFlight.join() tells each waiter once, though one makes another leave meanwhile", async () => {
  const flights = new SingleFlight<string>();
  const work = new Work();
  const leaver = new AbortController();
  const told: string[] = [];
  const waiterOf = (name: string, onValue = () => {}) => ({
    resolve: (value: string) => {
      told.push(`${name} ${value}`);
      onValue();
    },
    reject: (error: unknown) => void told.push(`${name} ${error}`),
  });
  flights.join("key", waiterOf("a", () => leaver.abort("left")), undefined, work.run);
  flights.join("key", waiterOf("b"), leaver.signal, work.run);
  flights.join("key", waiterOf("c"), undefined, work.run);
  work.outcomes[0]?.resolve("value");
  await flights.idle();
  assertEquals(told, ["a value", "b left", "c value"]);
});

test("SingleFlight.join() lets work settle its flight before it returns", () => {
  const flights = new SingleFlight<string>();
  const told: unknown[] = [];
  const waiter = { resolve: told.push.bind(told), reject: told.push.bind(told) };
  flights.join("key", waiter, undefined, (flight) => {
    flight.resolve("value");
    return undefined;
  });
  flights.join("key", waiter, undefined, () => {
    throw "no";
  });
  assertEquals(told, ["value", "no"]);
  assert(!flights.has("key"));
});
