import { assert, assertEquals } from "@std/assert";
import { deliver } from "../../lib/timing/waiter.ts";
import { type Cancellation, LightCancellation } from "../../lib/timing/cancellation.ts";
import { GroupCacheError } from "../../mod.ts";
import { HedgeBudget } from "../../lib/peer/hedge_budget.ts";
import { Hedging } from "../../lib/peer/hedging.ts";
import type { Peer } from "../../lib/peer/peer.ts";
import { VirtualClock } from "../../lib/testing/mod.ts";
import { fakePeer } from "../fake_peer.ts";
import { test } from "../runtime.ts";

const notFound = new GroupCacheError("not-found", "there is none");
const loadFailed = new GroupCacheError("load-failed", "the origin is down");
const peerFailed = new GroupCacheError("peer-failed", "nobody there");

interface Asked extends PromiseWithResolvers<string> {
  signal: Cancellation;
}

/** Peers a, b and c, and this process behind them. All have answered 100 times, within 10 ms. */
class SetUp {
  readonly clock = new VirtualClock();
  readonly budget = new HedgeBudget();
  readonly end = new LightCancellation();
  readonly counters = { hedges: 0, hedgesWon: 0 };
  /** Who was asked, in order. */
  readonly asked: string[] = [];
  readonly failed: string[] = [];
  /** The peers whose answers were taken. */
  readonly taken: string[] = [];
  readonly at: Record<string, Asked> = {};
  readonly hedging = new Hedging({
    clock: this.clock,
    budget: this.budget,
    counters: this.counters,
  });
  readonly peers: readonly Peer[];
  /** How the last call came out, as soon as it has. */
  outcome: string | undefined;

  constructor(names = "abc", { known = names } = {}) {
    this.peers = [...names].map((url) => fakePeer(url));
    for (let i = 0; i < 100; i++) {
      this.budget.earn();
      for (const peer of this.peers) {
        if (!known.includes(peer.url)) continue;
        this.hedging.of(peer).latencies.record(9, this.clock.now());
      }
    }
  }

  ask(): Promise<string> {
    const ask = (name: string, signal: Cancellation) => {
      this.asked.push(name);
      return (this.at[name] = { ...Promise.withResolvers<string>(), signal }).promise;
    };
    const answer = Promise.withResolvers<string>();
    this.hedging.ask<string>(this.peers, {
      signal: this.end,
      askPeer: ({ url }, signal, waiter) => deliver(ask(url, signal), waiter),
      askSelf: (signal) => ask("self", signal),
      onAnswer: (value, peer) => {
        if (peer !== undefined) this.taken.push(peer.url);
        answer.resolve(value);
      },
      onError: answer.reject,
      onPeerFailure: ({ url }) => this.failed.push(url),
    });
    answer.promise
      .then((value) => this.outcome = value, (error) => this.outcome = String(error.message));
    return answer.promise;
  }

  /** Asks, and waits until the second request is under way. */
  async hedge(): Promise<void> {
    this.ask();
    await this.clock.advance(10);
  }

  resolve(name: string): Promise<void> {
    this.at[name]?.resolve(`from ${name}`);
    return this.clock.advance(0);
  }

  reject(name: string, error: unknown): Promise<void> {
    this.at[name]?.reject(error);
    return this.clock.advance(0);
  }

  /** Whatever the budget has allowed before. */
  allowHedge(): void {
    for (let i = 0; i < 20; i++) this.budget.earn();
  }

  p99Of(index: number): number | undefined {
    const peer = this.peers[index];
    return peer && this.hedging.of(peer).latencies.p99Ms;
  }

  isCancelled(name: string): boolean | undefined {
    return this.at[name]?.signal.aborted;
  }
}

test("Hedging.ask() asks the next peer when the first takes longer than its p99", async () => {
  const setup = new SetUp();
  setup.ask();
  await setup.clock.advance(9);
  assertEquals(setup.asked, ["a"]);
  await setup.clock.advance(1);
  assertEquals(setup.asked, ["a", "b"]);
  assertEquals(setup.isCancelled("a"), false);
  await setup.resolve("b");
  assertEquals(setup.outcome, "from b");
  assertEquals(setup.taken, ["b"]);
  assertEquals(setup.isCancelled("a"), true);
  assertEquals(setup.counters, { hedges: 1, hedgesWon: 1 });
  await setup.clock.advance(10_000);
  assertEquals(setup.asked, ["a", "b"], "nobody else");
  assertEquals(setup.failed, []);
});

test("Hedging.ask() takes the first peer's answer if it comes first", async () => {
  const setup = new SetUp();
  await setup.hedge();
  await setup.resolve("a");
  assertEquals(setup.outcome, "from a");
  assertEquals(setup.isCancelled("b"), true);
  assertEquals(setup.counters, { hedges: 1, hedgesWon: 0 });
});

test("Hedging.ask() asks only one peer if it answers in time, and leaves no timer", async () => {
  const setup = new SetUp();
  setup.ask();
  assertEquals(setup.clock.pendingTimers, 1);
  await setup.resolve("a");
  assertEquals(setup.clock.pendingTimers, 0);
  assertEquals(setup.outcome, "from a");
  assertEquals(setup.asked, ["a"]);
  assertEquals(setup.isCancelled("a"), false);
});

test("Hedging.ask() asks this process after the last peer", async () => {
  const setup = new SetUp("a");
  await setup.hedge();
  assertEquals(setup.asked, ["a", "self"]);
  await setup.resolve("self");
  assertEquals(setup.taken, [], "its own answer is no peer's");
  assertEquals(setup.outcome, "from self");
  assertEquals(setup.counters, { hedges: 1, hedgesWon: 1 });
});

test("Hedging.ask() sends no second request for a peer without a measured latency", async () => {
  const setup = new SetUp("abc", { known: "" });
  setup.ask();
  await setup.clock.advance(100_000);
  assertEquals(setup.asked, ["a"]);
  assertEquals(setup.clock.pendingTimers, 0);
});

test("Hedging.ask() sends no second request that the budget does not allow", async () => {
  const setup = new SetUp();
  while (setup.budget.spend());
  await setup.hedge();
  assertEquals(setup.asked, ["a"]);
  await setup.resolve("a");
  assertEquals(setup.outcome, "from a");
  assertEquals(setup.counters.hedges, 0);
});

test("Hedging.ask() fails over to the next peer, and hedges that one", async () => {
  const setup = new SetUp();
  setup.ask();
  await setup.reject("a", peerFailed);
  assertEquals(setup.asked, ["a", "b"]);
  await setup.clock.advance(9);
  assertEquals(setup.asked, ["a", "b"]);
  await setup.clock.advance(1);
  assertEquals(setup.asked, ["a", "b", "c"]);
  await setup.resolve("c");
  assertEquals(setup.outcome, "from c");
  assertEquals(setup.failed, ["a"]);
});

test("Hedging.ask() takes the second request's answer if the first one fails", async () => {
  const setup = new SetUp();
  await setup.hedge();
  await setup.reject("a", peerFailed);
  assertEquals(setup.asked, ["a", "b"]);
  await setup.resolve("b");
  assertEquals(setup.outcome, "from b");
  assertEquals(setup.failed, ["a"]);
});

test("Hedging.ask() asks the next process when both fail, in either order", async () => {
  for (const [first, second] of [["a", "b"], ["b", "a"]] as const) {
    const setup = new SetUp();
    await setup.hedge();
    await setup.reject(first, peerFailed);
    await setup.reject(second, peerFailed);
    assertEquals(setup.asked, ["a", "b", "c"]);
    await setup.clock.advance(100_000);
    await setup.reject("c", peerFailed);
    assertEquals(setup.asked, ["a", "b", "c", "self"]);
    await setup.resolve("self");
    assertEquals(setup.outcome, "from self");
    assertEquals(setup.failed, [first, second, "c"]);
    assertEquals(setup.counters.hedges, 1);
  }
});

test("Hedging.ask() takes an error of the first peer as its answer", async () => {
  const setup = new SetUp();
  await setup.hedge();
  await setup.reject("a", loadFailed);
  assertEquals(setup.outcome, loadFailed.message);
  assertEquals(setup.isCancelled("b"), true);
});

test("Hedging.ask() takes a not-found from the second peer as the answer", async () => {
  const setup = new SetUp();
  await setup.hedge();
  await setup.reject("b", notFound);
  assertEquals(setup.outcome, notFound.message);
  assertEquals(setup.counters.hedgesWon, 1);
});

const later: { name: string; end: (setup: SetUp) => Promise<void>; outcome: string }[] = [
  { name: "answers", end: (setup) => setup.resolve("a"), outcome: "from a" },
  { name: "fails", end: (setup) => setup.reject("a", peerFailed), outcome: loadFailed.message },
];

for (const { name, end, outcome } of later) {
  test(`Hedging.ask() holds back an error of the second request until the first ${name}`, async () => {
    const setup = new SetUp();
    await setup.hedge();
    await setup.reject("b", loadFailed);
    await setup.clock.advance(1000);
    assertEquals(setup.outcome, undefined);
    await end(setup);
    assertEquals(setup.outcome, outcome);
    assertEquals(setup.asked, ["a", "b"]);
    assertEquals(setup.counters, { hedges: 1, hedgesWon: 0 });
  });
}

for (const isHedged of [false, true]) {
  const what = isHedged ? "both requests" : "the request";
  test(`Hedging.ask() cancels ${what} when its caller leaves, and leaves no timer`, async () => {
    const setup = new SetUp();
    setup.ask();
    if (isHedged) await setup.clock.advance(10);
    setup.end.abort(new Error("the caller left"));
    for (const name of setup.asked) {
      assertEquals(setup.isCancelled(name), true);
      await setup.reject(name, setup.end.reason);
    }
    assertEquals(setup.outcome, "the caller left");
    assertEquals(setup.asked.length, isHedged ? 2 : 1);
    assertEquals(setup.clock.pendingTimers, 0);
    assertEquals(setup.failed, []);
  });
}

test("Hedging.ask() closes the iterator of peers when it needs no more of them", async () => {
  let isEnded = false;
  const setup = new SetUp();
  const { peers } = setup;
  function* source() {
    try {
      yield* peers;
    } finally {
      isEnded = true;
    }
  }
  Object.assign(setup, { peers: { [Symbol.iterator]: source } });
  setup.ask();
  assert(!isEnded);
  await setup.resolve("a");
  assert(isEnded);
});

test("Hedging.ask() records an overdue answer that it did not await as at least that late", async () => {
  const setup = new SetUp();
  for (let i = 0; i < 32; i++) {
    setup.allowHedge();
    await setup.hedge();
    await setup.clock.advance(40);
    await setup.resolve("b");
  }
  assertEquals(setup.counters, { hedges: 32, hedgesWon: 32 });
  const p99Ms = setup.p99Of(0) ?? NaN;
  assert(p99Ms >= 50, `the peer that was asked first: ${p99Ms}`);
});

test("Hedging.ask() records nothing for requests that it cancelled early", async () => {
  const setup = new SetUp("ab", { known: "a" });
  for (let i = 0; i < 100; i++) {
    setup.allowHedge();
    setup.ask();
    await setup.clock.advance(setup.p99Of(0) ?? NaN);
    await setup.resolve("a"); // At once after the second request.
  }
  assertEquals(setup.counters, { hedges: 100, hedgesWon: 0 });
  assertEquals(setup.p99Of(1), undefined);
});

test("Hedging.ask() asks the next peer if the first refuses at once, and hedges only that one", async () => {
  const setup = new SetUp("ab");
  const asked: string[] = [];
  setup.hedging.ask<string>(setup.peers, {
    signal: setup.end,
    askPeer: ({ url }, _, waiter) => {
      asked.push(url);
      if (url === "a") waiter.reject(peerFailed);
    },
    askSelf: () => {
      asked.push("self");
      return new Promise(() => {});
    },
    onAnswer: () => {},
    onError: () => {},
    onPeerFailure: () => {},
  });
  assertEquals(asked, ["a", "b"]);
  await setup.clock.advance(10);
  assertEquals(asked, ["a", "b", "self"]);
  await setup.clock.advance(1000);
  assertEquals([asked.length, setup.counters.hedges], [3, 1]);
});
