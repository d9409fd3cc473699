import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { GroupCacheError } from "../../lib/errors.ts";
import type { Peer } from "../../lib/peer/peer.ts";
import { PeerSet } from "../../lib/peer/peer_set.ts";
import type { Placement } from "../../lib/placement/placement.ts";
import { VirtualClock } from "../../lib/testing/mod.ts";
import { fakePeer } from "../fake_peer.ts";
import { test } from "../runtime.ts";

const [A, B, C] = ["http://a:1", "http://b:1", "http://c:1"] as const;

/** Ranks peers in the order in which the key names them: "cab" puts C first. */
const asTheKeySays: Placement = {
  name: "as the key says",
  rank: (peers) => (key) => [...key].flatMap((letter) => peers.filter((p) => p[7] === letter)),
};

function setUp(self: string | undefined) {
  const clock = new VirtualClock();
  const connected: string[] = [];
  const byUrl = new Map<string, Peer>();
  const connect = (url: string): Peer => {
    connected.push(url);
    const peer = fakePeer(url, { clock });
    byUrl.set(url, peer);
    return peer;
  };
  return {
    connected,
    byUrl,
    peers: new PeerSet({ self, placement: asTheKeySays, connect, clock, handoffMs: 1000 }),
    clock,
  };
}

function urlsFor(peers: PeerSet, key: string): string[] | undefined {
  const found = peers.peersFor(key);
  return found && [...found].map(({ url }) => url);
}

test("PeerSet.peersFor() ends before this process", () => {
  const { peers } = setUp(A);
  peers.replace([A, B, C]);
  assertEquals(urlsFor(peers, "cab"), [C]);
  assertEquals(urlsFor(peers, "cba"), [C, B]);
  assertEquals(urlsFor(peers, "abc"), undefined);
});

test("PeerSet.peersFor() finds no peers without a list, or in a process that is alone", () => {
  const { peers } = setUp(A);
  assertEquals(urlsFor(peers, "bac"), undefined);
  peers.replace([A]);
  assertEquals(urlsFor(peers, "bac"), undefined);
  assertEquals(urlsFor(setUp(undefined).peers, "bac"), undefined);
});

test("PeerSet.peersFor() skips peers that are removed during the iteration", () => {
  const { peers } = setUp(A);
  peers.replace([A, B, C]);
  const before = peers.peersFor("cba")?.[Symbol.iterator]();
  assertEquals(before?.next().value?.url, C);
  peers.replace([A, C]);
  assertEquals(before?.next().done, true);
});

test("PeerSet.replace() keeps the clients of peers that stay", () => {
  const { peers, connected } = setUp(A);
  peers.replace([A, B]);
  const [before] = peers.others();
  peers.replace([A, C, B]);
  const after = peers.others().find(({ url }) => url === B);
  assertStrictEquals(after, before);
  assertEquals(connected, [B, C]);
  peers.replace([A]);
  peers.replace([A, B]);
  assertEquals(connected, [B, C, B], "one that comes back starts afresh");
});

test("PeerSet hashes URLs as they were given, without a trailing slash", () => {
  const { peers } = setUp("http://A:1/");
  peers.replace(["http://A:1/", "http://HOST:80"]);
  assertEquals(peers.urls, ["http://A:1", "http://HOST:80"]);
});

test("PeerSet.peersFor() skips peers that are down", () => {
  const { peers, byUrl } = setUp(A);
  peers.replace([A, B, C]);
  byUrl.get(C)?.health.closed(new GroupCacheError("peer-failed", "down"));
  assertEquals(urlsFor(peers, "cba"), [B]);
  assertEquals(urlsFor(peers, "cab"), []);
  byUrl.get(C)?.health.here({ isNew: true });
  assertEquals(urlsFor(peers, "cba"), [C, B]);
});

const isDown = new GroupCacheError("peer-failed", "down");

function urlsOf(peers: Iterable<Peer> | undefined): string[] | undefined {
  return peers && [...peers].map(({ url }) => url);
}

test("PeerSet.peersFor() leads past a process that is leaving", () => {
  const { peers } = setUp(B);
  peers.replace([A, B, C]);
  assertEquals(urlsFor(peers, "bac"), undefined);
  peers.leave();
  assertEquals(urlsFor(peers, "bac"), [A, C]);
  assertEquals(urlsFor(peers, "abc"), [A, C]);
});

/** As `setUp`, with a list from so long ago that nobody's previous keys count. */
async function setUpLongAgo(self: string) {
  const setup = setUp(self);
  setup.peers.replace([A, B, C]);
  await setup.clock.advance(1000);
  return setup;
}

test("PeerSet.holders() names the leaving peer or the untried one before this process", async () => {
  const { peers, byUrl } = await setUpLongAgo(C);
  const holders = (key: string, wereAsked = false) => urlsOf(peers.holders(key, { wereAsked }));
  assertEquals(holders("cab"), undefined);
  assertEquals(holders("abc"), [A]);
  assertEquals(holders("abc", true), undefined);
  byUrl.get(A)?.health.leaving();
  assertEquals(holders("abc", true), [A]);
  assertEquals(holders("bac", true), [A]);
  assertEquals(holders("bca", true), undefined, "it comes after this process");
  byUrl.get(A)?.health.closed(isDown);
  assertEquals(holders("abc", true), undefined);
  assertEquals(holders("abc"), [B]);
});

test("PeerSet.holders() names previous owners that can be asked, or are leaving", async () => {
  const { peers, byUrl } = await setUpLongAgo(C);
  const holders = () => urlsOf(peers.holders("abc", { wereAsked: true }));
  peers.replace([B, C]);
  assertEquals(holders(), [A]);
  byUrl.get(A)?.health.leaving();
  assertEquals(holders(), [A]);
  byUrl.get(A)?.health.closed(isDown);
  assertEquals(holders(), undefined);
});

test("PeerSet.holders() names previous owners to the only process that is left", async () => {
  const { peers, byUrl, clock } = await setUpLongAgo(C);
  const holders = () => urlsOf(peers.holders("abc", { wereAsked: true }));
  peers.replace([C]);
  assertEquals(holders(), [A]);
  byUrl.get(A)?.health.closed(isDown);
  assertEquals(holders(), undefined);
  await clock.advance(1000);
  assertEquals(holders(), undefined);
});

test("PeerSet.holders() names the owners among the others if this process was alone", async () => {
  const { peers, clock } = setUp(C);
  const holders = () => urlsOf(peers.holders("cba", { wereAsked: true }));
  peers.replace([C]);
  peers.reunited();
  assertEquals(holders(), undefined);
  peers.replace([A, B, C]);
  assertEquals(holders(), [B]);
  await clock.advance(1000);
  assertEquals(holders(), undefined);
  peers.reunited();
  assertEquals(holders(), [B]);
});

test("PeerSet.holders() names previous owners only after a list that differs", async () => {
  const { peers } = await setUpLongAgo(C);
  const holders = () => urlsOf(peers.holders("cba", { wereAsked: true }));
  for (const list of [[C, B, A], [A, B, C]]) peers.replace(list);
  assertEquals(urlsOf(peers.holders("bca", { wereAsked: true })), undefined);
  assertEquals(holders(), undefined);
  peers.replace([A, "http://d:1", C]);
  assertEquals(urlsOf(peers.holders("bca", { wereAsked: true })), [B]);
  assertEquals(holders(), undefined, "this process held it");
});

test("PeerSet finds peers by URL, those that were delisted only when asked for", () => {
  const { peers, byUrl } = setUp(A);
  peers.replace([A, B, C]);
  const [b, c] = [byUrl.get(B), byUrl.get(C)];
  assertStrictEquals(peers.find(`${B}/`), b);
  assertStrictEquals(peers.find(B), b);
  assertEquals(peers.find(A), undefined);
  peers.replace([A, B]);
  assertEquals(peers.find(C), undefined);
  assertStrictEquals(peers.findRecent(`${C}/`), c);
  assertStrictEquals(peers.findRecent(B), b);
  peers.replace([A, B, C]);
  assertStrictEquals(peers.findRecent(C), byUrl.get(C), "the one on the list");
  peers.replace([A, B]);
  assertStrictEquals(peers.findRecent(C), byUrl.get(C));
});

test("PeerSet remembers the last 100 peers that were delisted", () => {
  const { peers } = setUp(A);
  const urls = Array.from({ length: 102 }, (_, index) => `http://peer:${index + 1}`);
  for (const url of urls) peers.replace([A, url]);
  peers.replace([A]);
  const found = urls.filter((url) => peers.findRecent(url) !== undefined);
  assertEquals(found, urls.slice(2));
  // One that was listed again in the meantime counts from the last time.
  const back = urls[2] as string;
  for (const list of [[A, back], [A, "http://peer:103"], [A]]) peers.replace(list);
  assertEquals(peers.findRecent(back)?.url, back);
});

test("PeerSet spells its own URL as the list does", () => {
  const { peers } = setUp("http://A:1");
  peers.replace([A, B]);
  assertEquals(peers.self, A);
  assertEquals(urlsFor(peers, "ab"), undefined);
  assertEquals(urlsFor(peers, "ba"), [B]);
});

test("PeerSet.replace() rejects what is no base URL, and keeps its list", () => {
  const { peers } = setUp(A);
  peers.replace([A, B]);
  const wrong = [
    "http://user@c:1",
    "http://:secret@c:1",
    "http://c:1/path",
    "http://c:1/?query",
    "http://c:1/#fragment",
    "http://undefined:1",
    "http://c :1",
    " http://c:1",
    "ftp://c:1",
    "c:1",
  ];
  for (const url of wrong) {
    assertThrows(() => peers.replace([A, url]), TypeError, "Cannot use peers");
  }
  assertThrows(() => peers.replace([A, C, `${C}/`]), TypeError, "listed twice");
  assertThrows(() => peers.replace([B, C]), TypeError, "must contain self");
  assertEquals(peers.urls, [A, B]);
  assertEquals(setUp(A).peers.urls, [A]);
});
