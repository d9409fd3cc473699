import { assertEquals, assertStrictEquals } from "@std/assert";
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
