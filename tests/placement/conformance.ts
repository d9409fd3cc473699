import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import type { Placement } from "../../lib/placement/placement.ts";
import { test } from "../runtime.ts";

const peer = fc.oneof(
  fc.nat(65535).map((port) => `http://127.0.0.1:${port}`),
  fc.ipV4().map((ip) => `http://${ip}:8080`),
  fc.domain().map((host) => `https://${host}`),
);
const peers = fc.uniqueArray(peer, { minLength: 1, maxLength: 8 });
const key = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 });

/** What holds for every placement. `make` has to give the same one each time. */
export function conforms(name: string, make: () => Placement): void {
  const rank = (peers: readonly string[], key: string): string[] => [...make().rank(peers)(key)];

  test(`${name} ranks each peer once`, () => {
    fc.assert(fc.property(peers, key, (peers, key) => {
      assertEquals(rank(peers, key).sort(), [...peers].sort());
    }));
  });

  test(`${name} ranks a peer once if it is listed twice`, () => {
    assertEquals(rank(["http://a:1", "http://b:1", "http://a:1"], "key").sort(), [
      "http://a:1",
      "http://b:1",
    ]);
  });

  test(`${name} returns the same ranking each time it is iterated`, () => {
    const peersOf = make().rank(["http://a:1", "http://b:1", "http://c:1"]);
    const first = [...peersOf("key")];
    assertEquals([...peersOf("another")].length, 3);
    assertEquals([...peersOf("key")], first);
    const [owner] = peersOf("key");
    assertEquals(owner, first[0]);
  });

  test(`${name} ignores the order of the list`, () => {
    const shuffled = peers.chain((peers) =>
      fc.tuple(
        fc.constant(peers),
        fc.shuffledSubarray(peers, { minLength: peers.length, maxLength: peers.length }),
      )
    );
    fc.assert(fc.property(shuffled, key, ([peers, shuffled], key) => {
      assertEquals(rank(shuffled, key), rank(peers, key));
    }));
  });

  test(`${name} does not retain the list`, () => {
    const list = ["http://a:1", "http://b:1", "http://c:1"];
    const peersOf = make().rank(list);
    const before = [...peersOf("key")];
    list.length = 0;
    assertEquals([...peersOf("key")], before);
  });

  test(`${name} keeps the order of the others when a peer leaves`, () => {
    fc.assert(fc.property(peers, key, fc.nat(), (peers, key, choice) => {
      const ranked = rank(peers, key);
      const gone = ranked[choice % ranked.length];
      const left = ranked.filter((peer) => peer !== gone);
      if (left.length > 0) assertEquals(rank(left, key), left);
    }));
  });

  test(`${name} makes the second peer the owner when the owner leaves`, () => {
    fc.assert(fc.property(peers, key, (peers, key) => {
      const [owner, second] = rank(peers, key);
      if (second === undefined) return;
      assertEquals(rank(peers.filter((peer) => peer !== owner), key)[0], second);
    }));
  });

  test(`${name} moves keys only to a peer that joins`, () => {
    fc.assert(fc.property(peers, peer, key, (peers, joining, key) => {
      const [before] = rank(peers, key);
      const [after] = rank([...peers, joining], key);
      assert(after === before || after === joining);
    }));
  });
}
