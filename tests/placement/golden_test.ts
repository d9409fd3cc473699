import { assertEquals } from "@std/assert";
import { crc32 } from "../../lib/placement/crc32.ts";
import { golangRing } from "../../lib/placement/golang_ring.ts";
import { groupcacheGoRing } from "../../lib/placement/groupcache_go_ring.ts";
import type { HashRingOptions, RingHash } from "../../lib/placement/hash_ring.ts";
import { mailgunRing } from "../../lib/placement/mailgun_ring.ts";
import type { Placement } from "../../lib/placement/placement.ts";
import { test } from "../runtime.ts";
import golden from "./golden/golden.json" with { type: "json" };

// deno-lint-ignore no-explicit-any
const FLAVORS: Record<string, (options: HashRingOptions<any>) => Placement> = {
  "golang": golangRing,
  "mailgun": mailgunRing,
  "groupcache-go": groupcacheGoRing,
};

/** The hashes of golden/main.go that have no name in the library. */
const HASHES: Record<string, RingHash> = {
  "crc32-9-bits": (bytes) => crc32(bytes) & 0x1ff,
  "fnv1a-32": (bytes) =>
    bytes.reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193) >>> 0, 0x811c9dc5),
};

for (const { flavor, hash, replicas, owners } of golden.rings) {
  test(`The ring of ${flavor} with ${hash} and ${replicas} replicas is Go's`, () => {
    const placement = FLAVORS[flavor]?.({ replicas, hash: HASHES[hash] ?? hash });
    golden.peers.forEach((peers, list) => {
      const peersOf = placement?.rank(peers) ?? (() => []);
      golden.keys.forEach((key, i) => {
        const [owner] = peersOf(key);
        const expected = peers[Number.parseInt(owners[list]?.[i] ?? "", 36)];
        assertEquals(owner, expected, `the owner of ${JSON.stringify(key)} among ${peers}`);
      });
    });
  });
}

test("The golden table contains all rings, with an owner for every key", () => {
  assertEquals(new Set(golden.rings.map(({ flavor }) => flavor)), new Set(Object.keys(FLAVORS)));
  for (const { owners } of golden.rings) {
    assertEquals(owners.map((row) => row.length), golden.peers.map(() => golden.keys.length));
  }
});
