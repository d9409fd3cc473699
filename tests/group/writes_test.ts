import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { viewOf } from "../../lib/byte_view.ts";
import { ChangeExchange } from "../../lib/consistency/change_exchange.ts";
import { GroupCacheError } from "../../lib/errors.ts";
import { Writes } from "../../lib/group/writes.ts";
import type { EncodedValue, Peer } from "../../lib/peer/peer.ts";
import { PeerSet } from "../../lib/peer/peer_set.ts";
import type { Placement } from "../../lib/placement/placement.ts";
import { VirtualClock } from "../../lib/testing/mod.ts";
import type { ChangeNote } from "../../lib/wire/change_note.ts";
import { failureOf } from "../failures.ts";
import { fakePeer } from "../fake_peer.ts";
import { test } from "../runtime.ts";

const [S, A, B, C] = ["http://s:1", "http://a:1", "http://b:1", "http://c:1"] as const;

/** Ranks peers in the order in which the key names them: "abs" puts A first. */
const asTheKeySays: Placement = {
  name: "as the key says",
  rank: (peers) => (key) => [...key].flatMap((letter) => peers.filter((p) => p[7] === letter)),
};

const peerFailed = new GroupCacheError("peer-failed", "nobody there");
const overloaded = new GroupCacheError("overloaded", "no room");
const noSignal = new AbortController().signal;

function valueOf(bytes: number): EncodedValue {
  return { view: viewOf(new Uint8Array(bytes)), expiresAtMs: Infinity };
}

/** What was done: at whom, or here, and with which note. */
interface Step {
  what: string;
  note: ChangeNote | undefined;
}

/** The process S, whose peers answer what `answers` says: nothing, a time that they know of, or an error. */
class SetUp {
  readonly steps: Step[] = [];
  readonly failed: string[] = [];
  readonly answers: Record<string, () => Promise<number>> = {};
  readonly peers: PeerSet;
  readonly writes: Writes;
  readonly changes: ChangeExchange;

  constructor(urls: readonly string[] = [S, A, B]) {
    const clock = new VirtualClock();
    this.peers = new PeerSet({
      self: S,
      placement: asTheKeySays,
      clock,
      handoffMs: 1000,
      connect: (url) =>
        fakePeer(url, {
          clock,
          set: (_group, _key, _value, { change } = {}) => this.#answer("set", url, change),
          remove: async (_group, _key, { change } = {}) => {
            await this.#answer("remove", url, change);
          },
        }),
    });
    this.peers.replace(urls);
    this.changes = new ChangeExchange({
      origin: "s",
      peers: this.peers,
      clock,
      forget: () => {},
      forgetAll: () => {},
      send: () => Promise.resolve(undefined),
    });
    const here = (what: string) => this.steps.push({ what, note: undefined });
    this.writes = new Writes({
      group: "texts",
      local: { put: () => here("put here"), drop: () => here("drop here") },
      peers: this.peers,
      changes: this.changes,
      maxValueBytes: 10,
      spans: undefined,
      onPeerFailure: ({ url }) => this.failed.push(url),
    });
  }

  set(key: string, { bytes = 10, signal = noSignal } = {}): Promise<void> {
    return this.writes.set(key, valueOf(bytes), signal);
  }

  remove(key: string, signal: AbortSignal = noSignal): Promise<void> {
    return this.writes.remove(key, signal);
  }

  /** What was done since the last call. */
  take(): Step[] {
    return this.steps.splice(0);
  }

  whats(): string[] {
    return this.take().map(({ what }) => what);
  }

  peer(url: string): Peer {
    const peer = this.peers.find(url);
    if (peer === undefined) throw new Error(`Cannot find ${url}`);
    return peer;
  }

  /** The time up to which all peers know the changes of S, as the next change says. */
  async settledTime(): Promise<number | undefined> {
    this.take();
    await this.remove("sab").catch(() => {});
    return this.take().find(({ note }) => note !== undefined)?.note?.settledTime;
  }

  async #answer(call: string, url: string, note: ChangeNote | undefined): Promise<number> {
    this.steps.push({ what: `${call} ${url[7]}`, note });
    return await (this.answers[url]?.() ?? Promise.resolve(0));
  }
}

test("Writes.set() has the owner store the value, and then tells the others who has it", async () => {
  const setup = new SetUp([S, A, B, C]);
  await setup.set("abcs");
  const steps = setup.take();
  assertEquals(steps.map(({ what }) => what), ["set a", "drop here", "remove b", "remove c"]);
  assertEquals(steps.map(({ note }) => note?.knownBy), [undefined, undefined, A, A]);
});

test("Writes.set() stores the value of its own key, and tells the others", async () => {
  const setup = new SetUp();
  await setup.set("sab");
  const steps = setup.take();
  assertEquals(steps.map(({ what }) => what), ["put here", "remove a", "remove b"]);
  assertEquals(steps.map(({ note }) => note?.knownBy), [undefined, S, S]);
});

test("Writes.set() goes on with the next peer if the owner fails, and tells the owner with the others", async () => {
  const setup = new SetUp();
  let isFirst = true;
  setup.answers[A] = () => isFirst ? (isFirst = false, Promise.reject(peerFailed)) : ok();
  await setup.set("abs");
  const steps = setup.take();
  assertEquals(steps.map(({ what }) => what), ["set a", "set b", "drop here", "remove a"]);
  assertEquals(steps[3]?.note?.knownBy, B);
  assertEquals(setup.failed, [A]);
});

test("Writes.set() takes another stamp if its change was overtaken, and settles both", async () => {
  const setup = new SetUp();
  const times = [7, 0];
  setup.answers[A] = () => Promise.resolve(times.shift() ?? 0);
  await setup.set("abs");
  const steps = setup.take();
  assertEquals(steps.map(({ what }) => what), [
    "set a",
    "drop here",
    "set a",
    "drop here",
    "remove b",
  ]);
  assertEquals(steps.map(({ note }) => note?.stamp.time), [1, undefined, 8, undefined, 8]);
  assertEquals(await setup.settledTime(), 8);
});

test("Writes.set() that stands in for its owner yields to a later change as a peer would", async () => {
  const setup = new SetUp([S, A]);
  const later = { stamp: { time: 7, origin: "b" }, list: "", settledTime: 0 };
  setup.answers[A] = () => {
    setup.changes.receive("texts", "as", later);
    return Promise.reject(peerFailed);
  };
  assertEquals((await failureOf(setup.set("as"))).code, "peer-failed");
  const steps = setup.take();
  assertEquals(steps.map(({ what }) => what), ["set a", "set a", "put here", "remove a"]);
  assertEquals(steps.map(({ note }) => note?.stamp.time), [1, 8, undefined, 8]);
});

test("Writes.set() gives up when it was overtaken 64 times", async () => {
  const setup = new SetUp();
  setup.answers[A] = () => Promise.resolve(7);
  const error = await failureOf(setup.set("abs"));
  assertEquals(error.code, "overloaded");
  assertEquals(setup.whats().filter((what) => what === "set a").length, 64);
});

test("Writes.set() refuses a value that is too large to send, unless there is nobody to send it to", async () => {
  const setup = new SetUp();
  for (const key of ["abs", "sab"]) {
    assertEquals((await failureOf(setup.set(key, { bytes: 11 }))).code, "too-large");
  }
  assertEquals(setup.whats(), []);
  await setup.set("sab", { bytes: 10 });
  const alone = new SetUp([S]);
  await alone.set("s", { bytes: 11 });
  assertEquals(alone.whats(), ["put here"]);
});

test("Writes.remove() tells the owner first, drops the key again, and tells the others", async () => {
  const setup = new SetUp();
  await setup.remove("abs");
  const steps = setup.take();
  assertEquals(steps.map(({ what }) => what), ["remove a", "drop here", "remove b"]);
  assertEquals(steps[2]?.note?.knownBy, A);
  await setup.remove("sab");
  const own = setup.take();
  assertEquals(own.map(({ what }) => what), ["drop here", "remove a", "remove b"]);
  assertEquals(own.map(({ note }) => note?.knownBy), [undefined, S, S]);
});

test("Writes.remove() tells the owner again that failed, and says that nobody is known to know", async () => {
  const setup = new SetUp();
  let isFirst = true;
  setup.answers[A] = () => isFirst ? (isFirst = false, Promise.reject(peerFailed)) : ok();
  await setup.remove("abs");
  const steps = setup.take();
  assertEquals(steps.map(({ what }) => what), ["remove a", "drop here", "remove a", "remove b"]);
  assertEquals(steps.map(({ note }) => note?.knownBy), Array(4).fill(undefined));
});

test("A change tells peers that come onto the list meanwhile", async () => {
  const setup = new SetUp();
  setup.answers[B] = () => {
    setup.peers.replace([S, A, B, C]);
    return ok();
  };
  await setup.remove("abs");
  assertEquals(setup.whats(), ["remove a", "drop here", "remove b", "remove c"]);
});

test("A change settles once all peers know it, and not before", async () => {
  const setup = new SetUp();
  await setup.remove("abs");
  assertEquals(await setup.settledTime(), 1);
  setup.answers[B] = () => Promise.reject(peerFailed);
  await failureOf(setup.set("abs"));
  setup.answers[B] = ok;
  assertEquals(await setup.settledTime(), 2);
});

test("A change rejects if a peer cannot be told, and reports that it failed", async () => {
  const setup = new SetUp([S, A, B, C]);
  setup.answers[B] = () => Promise.reject(peerFailed);
  const one = await failureOf(setup.remove("abcs"));
  assertEquals(one.code, "peer-failed");
  assertStrictEquals(one.cause, peerFailed);
  assertEquals(setup.whats(), ["remove a", "drop here", "remove b", "remove c"]);
  assertEquals(setup.failed, [B]);
  setup.answers[C] = () => Promise.reject(overloaded);
  const two = await failureOf(setup.remove("abcs"));
  assert(two.cause instanceof AggregateError);
  assert(two.message.includes(B) && two.message.includes(C) && !two.message.includes(A));
  assertEquals(setup.failed, [B, B], "one that is overloaded has not failed");
});

test("A change does not wait for peers that leave, have left or are no longer listed", async () => {
  const leave: Record<string, (setup: SetUp) => void> = {
    leaving: (setup) => setup.peer(B).health.leaving(),
    gone: (setup) => setup.peer(B).health.closed(peerFailed),
    delisted: (setup) => setup.peers.replace([S, A]),
  };
  for (const [name, left] of Object.entries(leave)) {
    const setup = new SetUp();
    setup.answers[B] = () => {
      left(setup);
      return Promise.reject(peerFailed);
    };
    await setup.remove("abs");
    assertEquals(setup.whats(), ["remove a", "drop here", "remove b"], name);
    assertEquals(await setup.settledTime(), 0, `${name}: it is not settled`);
  }
});

test("A change whose caller leaves blames no peer", async () => {
  for (const call of ["set", "remove"] as const) {
    const setup = new SetUp();
    const caller = new AbortController();
    setup.answers[B] = () => {
      caller.abort(new Error("the caller has left"));
      return Promise.reject(peerFailed);
    };
    const done = call === "set"
      ? setup.set("abs", { signal: caller.signal })
      : setup.remove("abs", caller.signal);
    await assertRejects(() => done, Error, "the caller has left");
    assertEquals(setup.failed, []);
  }
});

function ok(): Promise<number> {
  return Promise.resolve(0);
}
