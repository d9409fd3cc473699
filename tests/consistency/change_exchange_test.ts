import { assertEquals, assertNotEquals } from "@std/assert";
import { ChangeExchange } from "../../lib/consistency/change_exchange.ts";
import type { ChangeNote } from "../../lib/wire/change_note.ts";
import type { Peer } from "../../lib/peer/peer.ts";
import { PeerSet } from "../../lib/peer/peer_set.ts";
import { rendezvous } from "../../lib/placement/mod.ts";
import { VirtualClock } from "../../lib/testing/mod.ts";
import type { ChangeUpdate } from "../../lib/wire/change_update.ts";
import { fakePeer } from "../fake_peer.ts";
import { test } from "../runtime.ts";
import { A, B, C } from "./world.ts";

const NOTHING: ChangeUpdate = { time: 0, list: "", settledTime: 0, changes: [] };

/** The exchange of one process, and what it sends. */
class Setup {
  readonly clock = new VirtualClock();
  readonly sent: ChangeUpdate[] = [];
  readonly peers: PeerSet;
  readonly changes: ChangeExchange;
  reply: ChangeUpdate = NOTHING;
  /** Which processes send the first few replies. */
  instances: string[] = [];

  constructor(urls: readonly [self: string, ...others: string[]], maxChanges = 100) {
    const { clock } = this;
    this.peers = new PeerSet({
      self: urls[0],
      placement: rendezvous(),
      connect: (url) => fakePeer(url, { clock }),
      clock,
      handoffMs: 0,
    });
    this.peers.replace(urls);
    this.changes = new ChangeExchange({
      origin: urls[0],
      maxChanges,
      peers: this.peers,
      clock,
      forget: () => {},
      forgetAll: () => {},
      send: (peer, update) => {
        const instance = this.instances.shift();
        if (instance !== undefined) this.changes.met(peer, instance);
        // Far more than any test needs.
        if (this.sent.push(update) > 1000) throw new Error("it sends without end");
        return Promise.resolve(this.reply);
      },
    });
  }

  /** Before it asks a peer for a value. */
  async catchUp(url: string, key = "key"): Promise<void> {
    const peer = this.peers.find(url);
    if (peer !== undefined) await this.changes.catchUp(peer, "group", key);
  }
}

test("ChangeExchange names its list from the beginning, regardless of the order", () => {
  const [a, b, c] = [new Setup([A, B]), new Setup([B, A]), new Setup([C, A])];
  assertEquals(a.changes.update.list, b.changes.update.list);
  assertNotEquals(a.changes.update.list, c.changes.update.list);
  c.peers.replace([C]);
  c.changes.listChanged();
  assertEquals(c.changes.update.list, new Setup([C]).changes.update.list);
});

test("ChangeExchange asks a peer for as long as that tells more, and not one that says so in vain", async () => {
  const setup = new Setup([A, B]);
  setup.changes.listChanged();
  setup.reply = { ...NOTHING, through: 7, hasMore: true };
  await setup.catchUp(B);
  assertEquals(setup.sent.map(({ asksAfter }) => asksAfter), [0, 7]);
  setup.changes.close();
});

for (
  const { what, replies, asked } of [
    { what: "another process at its URL from the beginning", replies: "1222", asked: "0707" },
    {
      what: "processes that reply in turns not for ever",
      replies: "1212121212",
      asked: "07070707",
    },
  ]
) {
  test(`ChangeExchange asks ${what}`, async () => {
    const setup = new Setup([A, B]);
    setup.changes.listChanged();
    setup.instances = [...replies];
    setup.reply = { ...NOTHING, through: 7, hasMore: true };
    await setup.catchUp(B);
    assertEquals(setup.sent.map(({ asksAfter }) => asksAfter).join(""), asked);
    setup.changes.close();
  });
}

test("ChangeExchange asks each peer once what it knows, however many gets wait for that", async () => {
  const setup = new Setup([A, B, C]);
  setup.changes.listChanged();
  await Promise.all([B, C, B, C].map((url, i) => setup.catchUp(url, `key ${i}`)));
  await setup.catchUp(B);
  assertEquals(setup.sent.map(({ asksAfter }) => asksAfter), [0, 0]);
  setup.changes.close();
});

test("ChangeExchange has a peer asked at once that knows a change, though it may not know an earlier one", async () => {
  const { changes, peers, sent } = new Setup([A, B]);
  const b = peers.find(B) as Peer;
  changes.listChanged();
  await changes.catchUp(b, "group", "key");
  sent.length = 0;
  const [, two] = [changes.begin("group", "one"), changes.begin("group", "two")];
  changes.settled(two);
  assertEquals(changes.catchUp(b, "group", "two"), undefined);
  assertEquals(sent, []);
  await changes.catchUp(b, "group", "one");
  assertEquals(sent.flatMap(({ changes }) => changes.map(({ key }) => key)), ["one"]);
  changes.close();
});

test("ChangeExchange says what it knows, and what it has forgotten, only to a process that asks for it", () => {
  const { changes } = new Setup([A, B], 2);
  for (const key of ["one", "two", "three"]) changes.begin("group", key);
  const from = { self: B, instance: "b" };
  assertEquals(changes.answer(NOTHING, from), changes.update);
  assertEquals(changes.update.changes, []);
  const page = changes.answer({ ...NOTHING, asksAfter: 0 }, from);
  assertEquals(page.changes.map(({ key }) => key), ["two", "three"]);
  assertEquals(page.reset, { gaps: [{ origin: A, size: 1 }], safe: [] });
  changes.close();
});

test("ChangeExchange has a newcomer drop everything that may have missed what no page names", () => {
  const { changes } = new Setup([A, B], 2);
  const from = { self: B, instance: "b" };
  const resets = () =>
    [0, 1, 2, 3].filter((asksAfter) =>
      changes.answer({ ...NOTHING, asksAfter }, from).reset !== undefined
    );
  const begin = (...keys: string[]) => keys.forEach((key) => changes.begin("group", key));
  begin("1", "2");
  assertEquals(resets(), []);
  begin("3");
  assertEquals(resets(), [0]);
  begin("4", "5");
  assertEquals(resets(), [0, 1, 2], "the log has forgotten what would follow");
  changes.close();

  const { changes: others } = new Setup([A, B]);
  others.receiveUpdate("c", {
    ...NOTHING,
    reset: { gaps: [{ origin: "c", size: 1 }], safe: [] },
  });
  others.begin("group", "1");
  const reset = others.answer({ ...NOTHING, asksAfter: 0 }, from).reset;
  assertEquals(reset?.gaps, [{ origin: "c", size: 1 }]);
  assertEquals(others.answer({ ...NOTHING, asksAfter: 1 }, from).reset, undefined);
  others.close();
});

test("ChangeExchange stores no value that may be older than a change which it has forgotten", () => {
  for (const mark of [undefined, "given out after that"]) {
    const { changes } = new Setup([A, B], 2);
    const note = (time: number): ChangeNote => ({
      stamp: { time, origin: B },
      list: "",
      settledTime: 0,
    });
    for (const time of [9, 5, 6, 7]) changes.receive("group", `${time}`, note(time));
    const receive = (time: number) =>
      changes.receiveValue("group", "key", { ...note(time), mark: mark && changes.mark });
    assertEquals([9, 10, 10].map(receive), ["stale", "yes", "no"]);
  }
});

/** How a process says up to when all on a list know its changes. */
const ANNOUNCEMENTS: Record<string, (to: ChangeExchange, note: ChangeNote) => void> = {
  "an update": (to, { list, settledTime, stamp: { origin } }) =>
    to.receiveUpdate(origin, { ...NOTHING, time: 8, list, settledTime }),
  "a removal": (to, note) => to.receive("group", "another key", note),
  "a value": (to, note) => void to.receiveValue("group", "another key", note),
};

for (const [what, announce] of Object.entries(ANNOUNCEMENTS)) {
  test(`ChangeExchange tells no peer of a change that all on the same list know, as ${what} says`, async () => {
    const { changes, peers, sent } = new Setup([A, B, C]);
    const b = peers.find(B) as Peer;
    changes.listChanged();
    await changes.catchUp(b, "group", "yet another key");
    sent.length = 0;
    const { list } = changes.update;
    const noteOf = (origin: string, time: number, settledTime: number, list: string) => ({
      stamp: { time, origin },
      list,
      settledTime,
    });
    changes.receive("group", "key", noteOf("c", 7, 0, list));
    announce(changes, noteOf("c", 8, 7, "another"));
    announce(changes, noteOf("b", 8, 7, list));
    announce(changes, noteOf("c", 8, 6, list));
    await changes.catchUp(b, "group", "key");
    assertEquals(sent.length, 1);
    sent.length = 0;
    changes.receive("group", "key", noteOf("c", 9, 0, list));
    announce(changes, noteOf("c", 10, 9, list));
    assertEquals(changes.catchUp(b, "group", "key"), undefined);
    changes.close();
  });
}

test("ChangeExchange asks the peers that it lists in its first minute with peers, and no others", async () => {
  const setup = new Setup([A]);
  const list = async (...others: string[]): Promise<void> => {
    setup.peers.replace([A, ...others]);
    setup.changes.listChanged();
    await Promise.all(others.map((url) => setup.catchUp(url)));
  };
  await list();
  await setup.clock.advance(60_000);
  await list(B);
  await setup.clock.advance(59_999);
  await list(B, C);
  assertEquals(setup.sent.map(({ asksAfter }) => asksAfter), [0, 0]);
  await setup.clock.advance(1);
  await list(B, C, "http://d:1");
  assertEquals(setup.sent.length, 2);
  setup.changes.close();
});

test("ChangeExchange keeps no process running by its timers", () => {
  const { changes, clock } = new Setup([A, B]);
  const unref = new Set<unknown>();
  Object.assign(clock, { unrefTimer: (timer: unknown) => unref.add(timer) });
  changes.listChanged();
  changes.begin("group", "open");
  changes.settled(changes.begin("group", "settled"));
  assertEquals([unref.size, clock.pendingTimers], [2, 2]);
  changes.close();
});

test("ChangeExchange announces what is settled once for all changes of half a second", async () => {
  const setup = new Setup([A, B, C]);
  const { changes, clock, sent } = setup;
  changes.listChanged();
  const settle = (key: string) => changes.settled(changes.begin("group", key));
  settle("one");
  const { pendingTimers } = clock;
  for (const key of ["two", "three"]) settle(key);
  assertEquals(clock.pendingTimers, pendingTimers);
  await clock.advance(499);
  assertEquals(sent, []);
  await clock.advance(1);
  assertEquals(sent.map(({ settledTime }) => settledTime), [3, 3]);
  const last = changes.begin("group", "four");
  settle("five");
  await clock.advance(500);
  assertEquals(sent.length, 2, "that of an earlier time is still open");
  changes.close();
  changes.settled(last);
  assertEquals(clock.pendingTimers, 0);
});
