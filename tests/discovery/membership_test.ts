import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { poll } from "../../lib/discovery/mod.ts";
import { VirtualClock } from "../../lib/testing/mod.ts";
import { type Discovery, GroupCache } from "../../mod.ts";
import { test } from "../runtime.ts";

const SELF = "http://10.0.0.2:8080";
const A = "http://10.0.0.1:8080";
const C = "http://10.0.0.3:8080";

/** A cache whose source yields what is pushed; and what the cache reports. */
function following(self = SELF) {
  const clock = new VirtualClock();
  const { readable, writable } = new TransformStream<string[] | Error>();
  const writer = writable.getWriter();
  const source = readable.values();
  const cache = new GroupCache({ self, peers: source, clock });
  const errors: unknown[] = [];
  cache.addEventListener("discovery-error", ({ error }) => errors.push(error));
  const push = async (item: string[] | Error) => {
    writer.write(item);
    await clock.advance(0);
  };
  return { cache, errors, push, clock, writer };
}

test("GroupCache is alone until its source lists peers", async () => {
  const { cache, push, clock } = following();
  assertEquals(cache.peers, [SELF]);
  await push([A, SELF, C]);
  assertEquals(cache.peers, [A, SELF, C]);
  await push([A, SELF]);
  assertEquals(cache.peers, [A, SELF]);
  await clock.until(cache.close());
});

test("GroupCache adds itself, in sorted order, until its source lists it", async () => {
  const { cache, errors, push, clock } = following();
  await push([A, C]);
  assertEquals(cache.peers, [A, SELF, C]);
  assertEquals(errors, []);
  await clock.until(cache.close());
});

test("GroupCache recognises itself in any spelling of its URL", async () => {
  const { cache, push, clock } = following("http://b:80");
  await push(["http://a", "http://b/"]);
  assertEquals(cache.peers, ["http://a", "http://b"]);
  await clock.until(cache.close());
});

test("GroupCache reports the errors of its source, and keeps its peers", async () => {
  const { cache, errors, push, clock } = following();
  await push([A, SELF]);
  const error = new Error("the name server is down");
  await push(error);
  assertEquals(errors, [error]);
  assertEquals(cache.peers, [A, SELF]);
  await push([SELF, C]);
  assertEquals(cache.peers, [SELF, C]);
  await clock.until(cache.close());
});

const badLists: { name: string; list: unknown }[] = [
  { name: "a peer that is no URL", list: [SELF, "10.0.0.3"] },
  { name: "a peer with a path", list: [SELF, `${C}/cache`] },
  { name: "a peer twice", list: [SELF, C, C] },
  { name: "no strings", list: [42] },
  { name: "no list", list: 42 },
];

for (const { name, list } of badLists) {
  test(`GroupCache reports a list with ${name}, and keeps its peers`, async () => {
    const { cache, errors, push, clock } = following();
    await push([A, SELF]);
    await push(list as string[]);
    assertEquals(errors.length, 1);
    assertInstanceOf(errors[0], TypeError);
    assertEquals(cache.peers, [A, SELF]);
    await push([SELF]);
    assertEquals(cache.peers, [SELF]);
    await clock.until(cache.close());
  });
}

test("GroupCache keeps its peers when its source ends or breaks", async () => {
  const ended = following();
  await ended.push([A, SELF]);
  await ended.writer.close();
  await ended.clock.advance(0);
  assertEquals(ended.cache.peers, [A, SELF]);
  assertEquals(ended.errors, []);
  await ended.cache.close();

  const broken = following();
  await broken.push([A, SELF]);
  await broken.writer.abort(new Error("out of order"));
  await broken.clock.advance(0);
  assertEquals(broken.cache.peers, [A, SELF]);
  assertEquals(broken.errors.map(String), ["Error: out of order"]);
  await broken.cache.close();
});

test("GroupCache reports a source that cannot be iterated to listeners added later", async () => {
  const peers: Discovery = {
    [Symbol.asyncIterator]: () => {
      throw new Error("not today");
    },
  };
  await using cache = new GroupCache({ self: SELF, peers });
  const heard = new Promise<unknown>((resolve) =>
    cache.addEventListener("discovery-error", ({ error }) => resolve(error))
  );
  assertEquals(String(await heard), "Error: not today");
});

test("GroupCache.close() ends its source, and leaves no timer", async () => {
  const clock = new VirtualClock();
  let calls = 0;
  const peers = poll(() => [`http://10.0.1.${++calls}:8080`], { clock, intervalMs: 1000 });
  const cache = new GroupCache({ self: SELF, peers, clock });
  await clock.advance(5000);
  assertEquals(cache.peers.length, 2);
  await cache.close();
  await clock.advance(0);
  assertEquals(clock.pendingTimers, 0);
  const callsBefore = calls;
  await clock.advance(100_000);
  assertEquals(calls, callsBefore);
});

test("GroupCache.close() right after construction leaves nothing of its source behind", async () => {
  const clock = new VirtualClock();
  const cache = new GroupCache({ self: SELF, peers: poll(() => [A], { clock }), clock });
  await cache.close();
  await clock.advance(0);
  assertEquals(clock.pendingTimers, 0);
  assertEquals(cache.peers, [SELF]);
});

test("GroupCache.close() waits until its source has cleaned up", async () => {
  const clock = new VirtualClock();
  const goodBye = Promise.withResolvers<void>();
  const never = Promise.withResolvers<IteratorResult<string[]>>();
  let hasEnded = false;
  const peers: Discovery = {
    [Symbol.asyncIterator]: () => ({
      next: () => never.promise,
      return: async () => {
        never.resolve({ done: true, value: undefined });
        await goodBye.promise;
        hasEnded = true;
        return { done: true, value: undefined };
      },
    }),
  };
  const cache = new GroupCache({ self: SELF, peers, clock });
  await clock.advance(0);
  const closings = [cache.close(), cache.close()].map((closing) => closing.then(() => hasEnded));
  await clock.advance(2000);
  goodBye.resolve();
  assertEquals(await Promise.all(closings), [true, true]);
  assertEquals(clock.pendingTimers, 0);
});

test("GroupCache.close() waits at most 3 seconds for its source, and ignores it afterwards", async () => {
  const late = Promise.withResolvers<string[]>();
  async function* listed(): AsyncGenerator<string[]> {
    yield await late.promise;
  }
  const clock = new VirtualClock();
  const cache = new GroupCache({ self: SELF, peers: listed(), clock });
  const errors: unknown[] = [];
  cache.addEventListener("discovery-error", ({ error }) => errors.push(error));
  await clock.advance(0);
  let isClosed = false;
  const closing = cache.close().then(() => isClosed = true);
  await clock.advance(2999);
  assertEquals(isClosed, false);
  await clock.advance(1);
  await closing;
  late.resolve([A]);
  await clock.advance(0);
  assertEquals(cache.peers, [SELF]);
  assertEquals(errors, []);
});

test("GroupCache.close() succeeds when its source fails to end", async () => {
  const clock = new VirtualClock();
  const peers: Discovery = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise<never>(() => {}),
      return: () => {
        throw new Error("not yet");
      },
    }),
  };
  const cache = new GroupCache({ self: SELF, peers, clock });
  await clock.advance(0);
  await clock.until(cache.close());
});

test("GroupCache refuses a source without the option self", () => {
  assertThrows(() => new GroupCache({ peers: poll(() => [A]) }), TypeError, "the option self");
});
