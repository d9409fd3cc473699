import { assertEquals, assertThrows } from "@std/assert";
import { poll, type PollOptions } from "../../lib/discovery/poll.ts";
import { VirtualClock } from "../../lib/testing/virtual_clock.ts";
import { test } from "../runtime.ts";
import { A, B, conforms } from "./conformance.ts";

conforms("poll", (peers, options) => {
  let isBroken = false;
  let requests = 0;
  const find = () => {
    requests++;
    if (isBroken) throw new Error("the table is locked");
    return peers;
  };
  return {
    discovery: poll(find, { ...options, intervalMs: 20 }),
    set: (changed) => void (peers = changed),
    setBroken: (broken) => void (isBroken = broken),
    requests: () => requests,
  };
});

test("poll waits for about `intervalMs` between calls", async () => {
  const clock = new VirtualClock();
  const start = clock.now();
  const times: number[] = [];
  const find = () => {
    times.push(clock.now() - start);
    return [A];
  };
  const peers = poll(find, { intervalMs: 1000, clock, random: () => 0.5 });
  const iterator = peers[Symbol.asyncIterator]();
  await clock.until(iterator.next());
  await clock.advance(3000);
  assertEquals(times, [0, 950, 1900, 2850]);
  await iterator.return?.();
});

test("poll treats a function that does not settle as a failure, and aborts its signal", async () => {
  const clock = new VirtualClock();
  const signals: AbortSignal[] = [];
  const peers = poll(({ signal }) => {
    signals.push(signal);
    return signals.length === 1 ? new Promise(() => {}) : [A, B];
  }, { timeoutMs: 5000, clock });
  const iterator = peers[Symbol.asyncIterator]();
  const { value } = await clock.until(iterator.next());
  assertEquals(value.message, "Cannot find peers by poll: there was no response within 5000 ms");
  assertEquals(signals[0]?.aborted, true);
  assertEquals(await clock.until(iterator.next()), { done: false, value: [A, B] });
  await iterator.return?.();
});

const badAnswers: { name: string; answer: unknown; why: RegExp }[] = [
  { name: "no list", answer: "http://a:1", why: /expected an array of URLs: received string/ },
  { name: "nothing", answer: undefined, why: /expected an array of URLs: received undefined/ },
  { name: "no URLs", answer: ["10.0.0.1:8080"], why: /expected base URLs .* "10\.0\.0\.1:8080"/ },
  { name: "a path", answer: ["http://a:1/b"], why: /received "http:\/\/a:1\/b"/ },
  { name: "other things", answer: [{}], why: /received \{\}/ },
  { name: "an empty list", answer: [], why: /the list is empty/ },
];

for (const { name, answer, why } of badAnswers) {
  test(`poll reports a result with ${name}`, async () => {
    const clock = new VirtualClock();
    const iterator = poll(() => answer as string[], { clock })[Symbol.asyncIterator]();
    const { value } = await clock.until(iterator.next());
    assertEquals(why.test(value.message), true, value.message);
    await iterator.return?.();
  });
}

test("poll reports the causes of an error too, in one line", async () => {
  const clock = new VirtualClock();
  const refused = new AggregateError(
    [new Error("ECONNREFUSED ::1"), new Error("ECONNREFUSED")],
    "",
  );
  const thrown = new TypeError("fetch failed\n\x1b[31m", { cause: refused });
  const iterator = poll(() => Promise.reject(thrown), { clock })[Symbol.asyncIterator]();
  const { value } = await clock.until(iterator.next());
  assertEquals(
    value.message,
    "Cannot find peers by poll: fetch failed [31m: ECONNREFUSED ::1, ECONNREFUSED",
  );
  await iterator.return?.();
});

const badOptions: { options: PollOptions; error: RegExp }[] = [
  { options: { intervalMs: 0 }, error: /intervalMs must be a number of at least 1: received 0/ },
  { options: { debounceMs: -1 }, error: /debounceMs must be a number of at least 0/ },
  { options: { minRetryMs: NaN }, error: /minRetryMs/ },
  { options: { minRetryMs: 10, maxRetryMs: 9 }, error: /maxRetryMs must be .* at least 10/ },
  { options: { timeoutMs: Infinity }, error: /timeoutMs/ },
];

for (const { options, error } of badOptions) {
  test(`poll refuses ${Object.entries(options).join(" and ")}`, () => {
    assertEquals(
      error.test(assertThrows(() => poll(() => [A], options), RangeError).message),
      true,
    );
  });
}

test("poll refuses anything but a function", () => {
  assertThrows(() => poll([A] as unknown as () => string[]), TypeError, "expected a function");
});
