import { assertEquals, assertThrows } from "@std/assert";
import { fnv1a } from "../../lib/placement/fnv.ts";
import { golangRing } from "../../lib/placement/golang_ring.ts";
import { groupcacheGoRing } from "../../lib/placement/groupcache_go_ring.ts";
import { hashRing, type HashRingFlavor, type RingHash } from "../../lib/placement/hash_ring.ts";
import { mailgunRing } from "../../lib/placement/mailgun_ring.ts";
import type { Placement } from "../../lib/placement/placement.ts";
import { test } from "../runtime.ts";

const decimal: RingHash = (bytes) => Number(new TextDecoder().decode(bytes));

/** A ring on which a peer's name is a list of its points and a key is its own hash. */
const readable: HashRingFlavor<"decimal"> = {
  name: "readable-ring",
  hashes: { decimal },
  defaultHash: "decimal",
  identify: (peer) => peer,
  pointOf: (identity, replica) => identity.split(",")[replica] ?? "",
  dialect: "golang",
};

const rank = (peers: string[], key: string): string[] => [
  ...hashRing(readable, { replicas: 2 }).rank(peers)(key),
];

test("hashRing() assigns a key to the first point at or after it, and continues clockwise", () => {
  const peers = ["10,40", "20,50", "30,60"];
  assertEquals(rank(peers, "5"), ["10,40", "20,50", "30,60"]);
  assertEquals(rank(peers, "10"), ["10,40", "20,50", "30,60"]);
  assertEquals(rank(peers, "11"), ["20,50", "30,60", "10,40"]);
  assertEquals(rank(peers, "60"), ["30,60", "10,40", "20,50"]);
});

test("hashRing() wraps around from the last point to the first", () => {
  assertEquals(rank(["10,40", "20,50", "30,60"], "61"), ["10,40", "20,50", "30,60"]);
});

test("hashRing() skips further points of a peer that it has returned", () => {
  assertEquals(rank(["10,20", "30,60", "15,50"], "18"), ["10,20", "30,60", "15,50"]);
});

test("hashRing() gives a point that two peers share to the last in the list", () => {
  assertEquals(rank(["10,40", "20,40"], "35"), ["20,40", "10,40"]);
  assertEquals(rank(["20,40", "10,40"], "35"), ["10,40", "20,40"]);
});

test("hashRing() ranks a peer without points last", () => {
  assertEquals(rank(["10,40", "10,20", "30,40"], "5"), ["10,20", "30,40", "10,40"]);
});

test("hashRing() compares numbers and bigints by their value", () => {
  const mixed: RingHash = (bytes) => {
    const number = Number(new TextDecoder().decode(bytes));
    return number % 20 === 0 ? BigInt(number) : number;
  };
  const peersOf = hashRing(readable, { replicas: 2, hash: mixed })
    .rank(["10,40", "20,50", "30,60"]);
  assertEquals([...peersOf("11")], ["20,50", "30,60", "10,40"]);
  assertEquals([...peersOf("45")], ["20,50", "30,60", "10,40"]);
});

test("A ring's name contains its kind, its hash and its number of points", () => {
  const xxhash: RingHash = () => 0n;
  const nameless = (): RingHash => () => 0n;
  const names: [Placement, string][] = [
    [golangRing(), "golang-ring-crc32-50"],
    [mailgunRing({ replicas: 512 }), "mailgun-ring-fnv1-512"],
    [mailgunRing({ hash: "fnv1a" }), "mailgun-ring-fnv1a-50"],
    [groupcacheGoRing({ hash: xxhash }), "groupcache-go-ring-xxhash-50"],
    [groupcacheGoRing({ hash: nameless() }), "groupcache-go-ring-anonymous-50"],
  ];
  for (const [ring, name] of names) assertEquals(ring.name, name);
});

test("A ring accepts a hash by name or as a function", () => {
  const peers = ["http://a:1", "http://b:1", "http://c:1"];
  const byName = mailgunRing({ hash: "fnv1a" }).rank(peers);
  const byFunction = mailgunRing({ hash: fnv1a }).rank(peers);
  for (let i = 0; i < 100; i++) assertEquals([...byFunction(`${i}`)], [...byName(`${i}`)]);
});

for (const replicas of [0, -1, 1.5, NaN, Infinity, "50" as unknown as number]) {
  test(`A ring cannot have ${JSON.stringify(replicas)} replicas (${replicas})`, () => {
    assertThrows(
      () => golangRing({ replicas }),
      RangeError,
      "Cannot create golang-ring: replicas must be a positive integer: received",
    );
  });
}

for (const hash of ["fnv1", "md5", "constructor", null, 7]) {
  test(`golangRing() cannot have the hash ${JSON.stringify(hash)}`, () => {
    assertThrows(
      () => golangRing({ hash: hash as "crc32" }),
      TypeError,
      'Cannot create golang-ring: hash must be a function or one of "crc32": received',
    );
  });
}
