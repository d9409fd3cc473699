import { assert, assertEquals, assertFalse, assertRejects } from "@std/assert";
import { GroupCacheError } from "../../lib/errors.ts";
import { ChangeLog } from "../../lib/consistency/change_log.ts";
import { Gaps } from "../../lib/consistency/gaps.ts";
import { PeerKnowledge } from "../../lib/consistency/peer_knowledge.ts";
import type { KnownChanges, Reset } from "../../lib/wire/change_update.ts";
import type { Change } from "../../lib/wire/change.ts";
import { VirtualClock } from "../../lib/testing/mod.ts";
import { test } from "../runtime.ts";

const LIST = "digest";

/** Peers that note what they are told. */
class Setup {
  readonly clock = new VirtualClock();
  readonly log: ChangeLog;
  readonly gaps: Gaps;
  readonly knowledge: PeerKnowledge<{ url: string }>;
  readonly told: string[] = [];
  listed: { url: string }[] = [];
  unreachable = new Set<string>();
  /** Those that are not worth an attempt. */
  readonly down = new Set<string>();
  /** Which process replies at a URL. */
  readonly instances = new Map<string, string>();
  /** Where each reply comes from another process. */
  readonly shared = new Set<string>();
  readonly resets: (Reset | undefined)[] = [];
  #time = 0;

  constructor(maxChanges?: number) {
    this.log = new ChangeLog({ origin: "me", ...(maxChanges && { maxChanges }) });
    this.gaps = new Gaps({ origin: "me", log: this.log });
    this.knowledge = new PeerKnowledge({
      log: this.log,
      gaps: this.gaps,
      clock: this.clock,
      listed: () => this.listed,
      admits: ({ url }) => !this.down.has(url),
      tell: (peer, { changes, reset }) => {
        if (this.unreachable.has(peer.url)) return Promise.reject(new Error("unreachable"));
        const keys = changes.map(({ key }) => key).join(",");
        this.told.push(`${peer.url}:${reset === undefined ? "" : "reset "}${keys}`);
        this.resets.push(reset);
        const instance = this.shared.has(peer.url)
          ? crypto.randomUUID()
          : this.instances.get(peer.url);
        if (instance !== undefined) this.knowledge.met(peer, instance);
        return Promise.resolve();
      },
    });
  }

  list(...urls: string[]): void {
    this.listed = urls.map((url) => ({ url }));
    this.knowledge.listChanged();
  }

  /** Another process has started at a URL. */
  restart(url: string): void {
    for (const instance of ["before", "after"]) this.knowledge.met({ url }, instance);
  }

  /** Lists peers `a`, `b`, …, which are processes `1`, `2`, …. */
  meet(...urls: string[]): void {
    this.list(...urls);
    for (const [i, url] of urls.entries()) {
      this.instances.set(url, `${i + 1}`);
      this.knowledge.met({ url }, `${i + 1}`);
    }
  }

  /** Has this process drop everything. Returns whether it had to. */
  missed(from: string, origin: string, size: number, ...safe: string[]): boolean {
    return this.knowledge.learnGaps(from, { gaps: [{ origin, size }], safe });
  }

  change(key: string): Change {
    return { group: "g", key, stamp: { time: ++this.#time, origin: "other" } };
  }

  /** Hears of changes from a peer. */
  hear(from: string, changes: Change[], known?: KnownChanges): void {
    const update = { time: this.#time, list: "", settledTime: 0, changes, known };
    this.knowledge.learn(from, update, (change) => this.log.add(change));
  }

  add(key: string, { isSettled = false, knownBy }: { isSettled?: boolean; knownBy?: string } = {}) {
    const stamp = { time: ++this.#time, origin: "other" };
    this.log.add({ group: "g", key, stamp }, { list: LIST, knownBy });
    if (isSettled) this.log.settle("other", stamp.time, LIST);
    this.knowledge.changesAdded();
  }

  async catchUp(url: string, key: string): Promise<string[]> {
    await this.knowledge.catchUp({ url }, "g", key);
    return this.told.splice(0);
  }
}

test("PeerKnowledge tells a peer before it is asked only what it may not know of that key", async () => {
  const setup = new Setup();
  setup.list("a", "b");
  setup.add("settled", { isSettled: true });
  setup.add("fresh", { knownBy: "b" });
  assertEquals(await setup.catchUp("a", "settled"), []);
  assertEquals(await setup.catchUp("a", "never changed"), []);
  assertEquals(await setup.catchUp("b", "fresh"), []);
  assertEquals(await setup.catchUp("a", "fresh"), ["a:fresh"]);
  assertEquals(await setup.catchUp("a", "fresh"), []);
  setup.knowledge.close();
});

test("PeerKnowledge tells a peer that comes onto the list all that it missed, at once", async () => {
  const setup = new Setup();
  setup.list("a");
  setup.add("one", { isSettled: true });
  setup.list("a", "b");
  await setup.clock.advance(0);
  assertEquals(setup.told.splice(0), ["b:one"]);
  setup.list("a");
  setup.add("two", { isSettled: true });
  setup.list("a", "b");
  await setup.clock.advance(0);
  assertEquals(setup.told.splice(0), ["b:two"]);
  setup.knowledge.close();
});

test("PeerKnowledge tells a former peer, which the others no longer tell, before it is asked", async () => {
  const setup = new Setup();
  setup.list("a", "b");
  setup.list("a");
  setup.add("one", { isSettled: true });
  assertEquals(await setup.catchUp("b", "one"), ["b:one"]);
  assertEquals(await setup.catchUp("b", "one"), []);
  setup.knowledge.close();
});

test("PeerKnowledge tells a peer that was never listed what has settled, before it is asked", async () => {
  const setup = new Setup();
  setup.list("a");
  setup.add("one", { isSettled: true });
  assertEquals(await setup.catchUp("b", "one"), ["b:one"]);
  setup.knowledge.close();
});

test("PeerKnowledge leaves a peer what it holds that was on the list for all that is forgotten", async () => {
  const setup = new Setup(2);
  setup.list("a", "b");
  for (const key of ["1", "2", "3", "4"]) setup.add(key, { isSettled: true });
  setup.list("a");
  setup.add("5", { isSettled: true });
  assertEquals(await setup.catchUp("b", "5"), ["b:5"]);
  setup.knowledge.close();
});

test("PeerKnowledge remembers a thousand peers off the list: those that left it last", () => {
  const setup = new Setup();
  const urls = Array.from({ length: 1300 }, (_, i) => `${i}`);
  // One is on the list for longer than the others.
  setup.meet("0");
  for (const url of urls.slice(1)) {
    setup.list("0", url);
    setup.knowledge.met({ url }, url);
  }
  setup.meet("a", "b");
  const known = setup.knowledge.pageAfter(0).known?.to.map(({ url }) => url) ?? [];
  assertEquals(known.length, 1002);
  assertEquals(known.toSorted(), ["a", "b", "0", ...urls.slice(-999)].toSorted());
});

test("PeerKnowledge has a peer forget everything that has missed more than the log holds", async () => {
  const setup = new Setup(3);
  setup.list("a");
  setup.list();
  for (const key of ["1", "2", "3", "4"]) setup.add(key);
  assertEquals(await setup.catchUp("a", "never changed"), ["a:reset 2,3,4"]);
  assertEquals(await setup.catchUp("a", "4"), []);
  setup.knowledge.close();
});

test("PeerKnowledge.catchUp() rejects if the peer cannot be told, and tells it later", async () => {
  const setup = new Setup();
  setup.list("a", "b");
  setup.unreachable.add("a");
  setup.add("one");
  await assertRejects(() => Promise.resolve(setup.knowledge.catchUp({ url: "a" }, "g", "one")));
  await setup.clock.advance(4000);
  assertEquals(setup.told.splice(0), ["b:one"]);
  setup.unreachable.clear();
  await setup.clock.advance(4000);
  assertEquals(setup.told.splice(0), ["a:one"]);
  assertEquals(setup.log.settledThrough, 1);
  assertEquals(setup.clock.pendingTimers, 0);
});

test("PeerKnowledge tells everyone of a change that does not settle, and then keeps no timer", async () => {
  const setup = new Setup();
  setup.list("a", "b");
  setup.add("one");
  assertEquals(setup.clock.pendingTimers, 1);
  await setup.clock.advance(1999);
  assertEquals(setup.told, []);
  await setup.clock.advance(2001);
  assertEquals(setup.told.splice(0), ["a:one", "b:one"]);
  await setup.clock.advance(2000);
  assertEquals(setup.clock.pendingTimers, 0);
  assertEquals(setup.log.settledThrough, 1);
});

test("PeerKnowledge tells a peer that is down once it is up again, or when it is to be asked", async () => {
  const setup = new Setup();
  setup.list("a", "b");
  setup.down.add("a");
  setup.add("one");
  await setup.clock.advance(20_000);
  assertEquals(setup.told.splice(0), ["b:one"]);
  assertEquals(await setup.catchUp("a", "one"), ["a:one"]);
  setup.add("two", { knownBy: "b" });
  await setup.clock.advance(20_000);
  assertEquals(setup.told.splice(0), ["b:two"]);
  setup.down.clear();
  await setup.clock.advance(4000);
  assertEquals(setup.told.splice(0), ["a:two"]);
  assertEquals(setup.clock.pendingTimers, 0);
});

test("PeerKnowledge tells reachable peers in time when the log fills while one is out of reach", async () => {
  const setup = new Setup(64);
  setup.list("a", "b");
  setup.unreachable.add("b");
  for (let i = 0; i < 200; i++) {
    setup.add(String(i));
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
  }
  await setup.clock.advance(0);
  assertEquals(setup.told.filter((told) => told.includes("reset")), []);
  setup.unreachable.clear();
  setup.told.length = 0;
  await setup.knowledge.tell({ url: "b" });
  assertEquals(setup.told.map((told) => told.slice(0, 7)), ["b:reset"]);
  setup.knowledge.close();
});

test("PeerKnowledge cuts what it tells into updates that fit a hello", async () => {
  const setup = new Setup();
  setup.list("a");
  for (let i = 0; i < 1200; i++) setup.add("k");
  await setup.knowledge.tell({ url: "a" });
  assertEquals(setup.told.map((told) => told.split(",").length), [500, 500, 200]);
  setup.told.length = 0;
  for (let i = 0; i < 3; i++) setup.add(String(i).repeat(60_000));
  await setup.knowledge.tell({ url: "a" });
  assertEquals(setup.told.length, 3);
  setup.knowledge.close();
});

test("PeerKnowledge.tell() tells of a change made after a call that had nothing to tell", async () => {
  const setup = new Setup();
  setup.list("a");
  setup.add("settled", { isSettled: true });
  await setup.knowledge.tell({ url: "a" });
  setup.add("one");
  await setup.knowledge.tell({ url: "a" });
  assertEquals(setup.told, ["a:one"]);
  setup.knowledge.close();
});

test("PeerKnowledge tells a peer that restarted all that it remembers", async () => {
  const setup = new Setup();
  setup.list("a");
  for (const key of ["1", "2", "3", "4"]) setup.add(key, { isSettled: true });
  setup.restart("a");
  await setup.clock.advance(0);
  assertEquals(setup.told.splice(0), ["a:1,2,3,4"]);
  assertEquals(await setup.catchUp("a", "4"), []);
  setup.knowledge.close();
});

test("PeerKnowledge tells a peer that restarted what the one before was told first", async () => {
  const setup = new Setup();
  setup.list("a");
  setup.knowledge.met({ url: "a" }, "before");
  setup.add("1", { knownBy: "a" });
  assertEquals(await setup.catchUp("a", "1"), []);
  setup.unreachable.add("a");
  setup.knowledge.met({ url: "a" }, "after");
  await setup.clock.advance(0);
  setup.unreachable.clear();
  assertEquals(await setup.catchUp("a", "1"), ["a:1"]);
  setup.knowledge.close();
});

test("PeerKnowledge has a peer forget everything that may have restarted before all that it remembers", async () => {
  const setup = new Setup(2);
  setup.list("a");
  for (const key of ["x", "y", "z"]) setup.add(key, { isSettled: true });
  setup.restart("a");
  assertEquals(await setup.catchUp("a", "x"), ["a:reset y,z"]);
});

test("PeerKnowledge tells a peer again that restarts while it is told", async () => {
  const setup = new Setup();
  setup.list("a");
  setup.add("x");
  const before = setup.knowledge.tell({ url: "a" });
  setup.restart("a");
  await before;
  assertEquals(setup.told, ["a:x", "a:x"]);
});

test("PeerKnowledge tells a peer that is listed while it is told what settled without it", async () => {
  const setup = new Setup();
  setup.list("b");
  setup.add("x");
  const telling = setup.knowledge.tell({ url: "a" });
  setup.add("y", { isSettled: true });
  setup.list("a", "b");
  await telling;
  assertEquals(setup.told.splice(0).filter((told) => told.startsWith("a")), ["a:x", "a:y"]);
  assertEquals(await setup.catchUp("a", "y"), []);
  setup.knowledge.close();
});

test("PeerKnowledge says whether all peers know all that is settled", async () => {
  const setup = new Setup();
  const { knowledge } = setup;
  assert(knowledge.areCaughtUp);
  setup.list("a", "b");
  setup.add("x", { isSettled: true });
  assert(knowledge.areCaughtUp);
  setup.unreachable.add("b");
  setup.list("a");
  setup.add("y", { isSettled: true });
  setup.list("a", "b");
  await setup.clock.advance(3000);
  assertFalse(knowledge.areCaughtUp);
  setup.list("a");
  assert(knowledge.areCaughtUp);
  setup.list("a", "b");
  setup.unreachable.clear();
  await setup.clock.advance(3000);
  assert(knowledge.areCaughtUp);
  setup.restart("b");
  assertFalse(knowledge.areCaughtUp);
  await knowledge.tell({ url: "b" });
  assert(knowledge.areCaughtUp);
  knowledge.close();
});

test("PeerKnowledge tells no peer unprompted, and keeps no timer, once it is closed", async () => {
  const setup = new Setup();
  setup.list("a");
  setup.add("one");
  setup.knowledge.close();
  assertEquals(setup.clock.pendingTimers, 0);
  setup.add("two");
  await setup.clock.advance(10_000);
  assertEquals([setup.told, setup.clock.pendingTimers], [[], 0]);
});

test("PeerKnowledge keeps no timer in a process without peers", () => {
  const setup = new Setup();
  setup.add("one");
  assertEquals(setup.clock.pendingTimers, 0);
});

test("PeerKnowledge has peers forget everything that may have missed what this process has missed", async () => {
  const setup = new Setup();
  setup.meet("a", "b", "c");
  assert(setup.missed("1", "1", 5, "2"));
  assertEquals(await setup.catchUp("a", "key"), []);
  assertEquals(await setup.catchUp("b", "key"), []);
  assertEquals(await setup.catchUp("c", "key"), ["c:reset "]);
  assertEquals(setup.resets, [{ gaps: [{ origin: "1", size: 5 }], safe: ["1", "2"] }]);
  assertEquals(await setup.catchUp("c", "key"), []);
  setup.knowledge.close();
});

test("PeerKnowledge tells those peers unprompted too, and then keeps no timer", async () => {
  const setup = new Setup();
  setup.meet("a", "b");
  setup.missed("1", "1", 5);
  await setup.clock.advance(2000);
  assertEquals(setup.told, ["b:reset "]);
  await setup.clock.advance(2000);
  assertEquals([setup.told.length, setup.clock.pendingTimers], [1, 0]);
});

test("PeerKnowledge learns nothing of gaps that it has heard of, or that are its own", () => {
  const setup = new Setup();
  setup.meet("a", "b");
  assert(setup.missed("1", "1", 5));
  assertFalse(setup.missed("2", "1", 5));
  assertFalse(setup.missed("2", "1", 4));
  assertFalse(setup.missed("2", "me", 9));
  assert(setup.missed("2", "1", 6));
  setup.knowledge.close();
});

test("PeerKnowledge takes a peer for safe only if it is safe in respect of all gaps", async () => {
  const setup = new Setup();
  setup.meet("a", "b", "c");
  setup.missed("1", "1", 5, "2");
  setup.missed("3", "3", 1, "1");
  assertEquals(await setup.catchUp("a", "key"), []);
  assertEquals(await setup.catchUp("b", "key"), ["b:reset "]);
  assertEquals(await setup.catchUp("c", "key"), ["c:reset "]);
  setup.knowledge.close();
});

test("PeerKnowledge takes for safe who dropped everything before, or was safe before it was met", async () => {
  const setup = new Setup();
  setup.meet("a", "b");
  setup.missed("1", "1", 5, "3");
  assertEquals(await setup.catchUp("b", "key"), ["b:reset "]);
  setup.missed("1", "1", 6, "2", "3", "4");
  assertEquals(await setup.catchUp("b", "key"), []);
  setup.instances.set("c", "3").set("d", "4");
  setup.list("a", "b", "c", "d");
  await setup.clock.advance(0);
  assertEquals(setup.told, ["c:", "d:", "d:reset "]);
  setup.knowledge.close();
});

test("PeerKnowledge meets a peer before it has it forget everything: it may be safe", async () => {
  const setup = new Setup();
  setup.list("a", "b", "c");
  setup.instances.set("b", "2").set("c", "3");
  setup.missed("1", "1", 5, "2");
  assertEquals(await setup.catchUp("b", "key"), ["b:"]);
  assertEquals(await setup.catchUp("c", "key"), ["c:", "c:reset "]);
  setup.knowledge.close();
});

test("PeerKnowledge has a process forget everything that starts at the URL of a safe one", async () => {
  const setup = new Setup();
  setup.meet("a", "b");
  setup.missed("1", "1", 5, "2");
  setup.instances.set("b", "3");
  setup.knowledge.met({ url: "b" }, "3");
  assertEquals(await setup.catchUp("b", "key"), ["b:reset "]);
  setup.knowledge.close();
});

test("PeerKnowledge tells a peer of gaps that it heard of while it was telling it of others", async () => {
  const setup = new Setup();
  setup.meet("a", "b");
  setup.missed("1", "1", 5);
  const telling = setup.knowledge.tell({ url: "b" });
  setup.missed("1", "1", 6);
  await setup.catchUp("b", "key");
  await telling;
  assertEquals(setup.resets.map((reset) => reset?.gaps[0]?.size), [5, 6]);
  setup.knowledge.close();
});

test("PeerKnowledge does not tell a peer what that has told, nor what others are said to know", async () => {
  const setup = new Setup();
  setup.meet("a", "b", "c");
  const [x, y] = [setup.change("x"), setup.change("y")] as const;
  setup.hear("1", [x, y], { count: 1, to: [{ url: "b", instance: "2" }] });
  assertEquals(await setup.catchUp("a", "y"), []);
  assertEquals(await setup.catchUp("b", "x"), []);
  assertEquals(await setup.catchUp("b", "y"), ["b:y"]);
  assertEquals(await setup.catchUp("c", "x"), ["c:x,y"]);
  setup.knowledge.close();
});

test("PeerKnowledge still tells a peer what it knew before it heard from that of something else", async () => {
  const setup = new Setup();
  setup.meet("a");
  setup.add("x");
  setup.hear("1", [setup.change("y")]);
  assertEquals(await setup.catchUp("a", "x"), ["a:x,y"]);
});

test("PeerKnowledge tells a process all that is at a URL where another one was said to be", async () => {
  const setup = new Setup();
  setup.list("a", "b");
  setup.hear("1", [setup.change("x")], { count: 1, to: [{ url: "b", instance: "2" }] });
  assertEquals(await setup.catchUp("b", "x"), []);
  setup.knowledge.met({ url: "b" }, "3");
  assertEquals(await setup.catchUp("b", "x"), ["b:x"]);
  setup.knowledge.close();
});

test("PeerKnowledge says who knows how many of the changes in a reply", async () => {
  const setup = new Setup();
  setup.meet("a", "b");
  for (const key of ["x", "y"]) setup.add(key, { isSettled: true });
  setup.add("z");
  const url = "a";
  setup.unreachable.add("b");
  const { changes, known, ...rest } = setup.knowledge.pageAfter(0);
  assertEquals(changes.map(({ key }) => key), ["x", "y", "z"]);
  assertEquals(known, { count: 2, to: [{ url, instance: "1" }, { url: "b", instance: "2" }] });
  assertEquals(rest, { through: 3, hasMore: false });
  await setup.catchUp("a", "z");
  setup.instances.set("b", "3");
  setup.knowledge.met({ url: "b" }, "3");
  assertEquals(setup.knowledge.pageAfter(1).known, { count: 1, to: [{ url, instance: "1" }] });
  setup.knowledge.close();
});

test("PeerKnowledge gives up a peer at whose URL another process answers each time, and tells it in rounds", async () => {
  const setup = new Setup();
  setup.meet("a");
  setup.add("key");
  setup.shared.add("a");
  const error = await assertRejects(() => setup.knowledge.tell({ url: "a" }), GroupCacheError);
  assertEquals(error.code, "peer-failed");
  await setup.clock.advance(0);
  const { length } = setup.told;
  assert(length <= 8, `${length} messages`);
  await setup.clock.advance(60_000);
  assert(setup.told.length - length <= 8 * 30, `${setup.told.length} messages in a minute`);
  assert(setup.told.length > length, "it is told again");
  setup.shared.delete("a");
  setup.instances.set("a", "one");
  await setup.clock.advance(10_000);
  await setup.knowledge.tell({ url: "a" });
  assertEquals(setup.knowledge.catchUp({ url: "a" }, "g", "key"), undefined);
});
