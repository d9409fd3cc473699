import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { rendezvous } from "../../lib/placement/rendezvous.ts";
import { test } from "../runtime.ts";
import { conforms } from "./conformance.ts";

conforms("rendezvous()", rendezvous);

const count = (n: number, make: (i: number) => string): string[] =>
  Array.from({ length: n }, (_, i) => make(i));

const PEERS: Record<string, string[]> = {
  "ports of one host": count(10, (i) => `http://127.0.0.1:${8001 + i}`),
  "addresses of one network": count(10, (i) => `http://10.0.0.${i + 1}:8080`),
  "host names": count(10, (i) => `https://cache-${i}.cache.default.svc.cluster.local`),
};

const KEYS: Record<string, (i: number) => string> = {
  "sequential users": (i) => `user:${String(i).padStart(5, "0")}`,
  "plain numbers": (i) => String(i),
  "numbers in front": (i) => `${i}/profile`,
  "numbers between": (i) => `/tenants/${i % 1000}/items/${i}?size=large`,
  "hexadecimal numbers": (i) => (i * 0x9e3779b1 % 2 ** 32).toString(16),
  "binary numbers": (i) => i.toString(2),
  "other alphabets": (i) => `用户:${String.fromCodePoint(0x1f300 + i % 700)}:${i}`,
};

for (const [keysName, keyOf] of Object.entries(KEYS)) {
  test(`rendezvous() distributes a million ${keysName} evenly, whatever the names of the peers`, () => {
    const keys = 1_000_000;
    const clusters = Object.entries(PEERS).map(([name, peers]) => ({
      name,
      peersOf: rendezvous().rank(peers),
      owned: new Map(peers.map((peer) => [peer, 0])),
    }));
    for (let i = 0; i < keys; i++) {
      const key = keyOf(i);
      for (const { peersOf, owned } of clusters) {
        for (const owner of peersOf(key)) {
          owned.set(owner, (owned.get(owner) ?? 0) + 1);
          break;
        }
      }
    }
    for (const { name, owned } of clusters) {
      const most = Math.max(...owned.values()) / (keys / owned.size);
      assert(most <= 1.02, `of the ${name} one has ${most} times its share`);
    }
  });
}

test("rendezvous() distributes the keys of a peer that leaves evenly over the others", () => {
  const peers = PEERS["addresses of one network"] ?? [];
  const peersOf = rendezvous().rank(peers);
  const inherited = new Map<string, number>();
  let orphaned = 0;
  for (let i = 0; i < 1_000_000; i++) {
    const [owner, second = ""] = peersOf(`user:${i}`);
    if (owner !== peers[3]) continue;
    orphaned++;
    inherited.set(second, (inherited.get(second) ?? 0) + 1);
  }
  assertEquals(inherited.size, 9);
  const most = Math.max(...inherited.values()) / (orphaned / 9);
  assert(most <= 1.05, `one peer inherits ${most} times its share`);
});

test("rendezvous() moves exactly its share of the keys to a peer that joins", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 15 }), fc.nat(9999), (n, seed) => {
      const keys = 20_000;
      const peers = count(n, (i) => `http://10.${seed % 256}.${i}.${seed % 199}:8080`);
      const before = rendezvous().rank(peers);
      const after = rendezvous().rank([...peers, "http://joining:8080"]);
      let moved = 0;
      for (let i = 0; i < keys; i++) {
        const [old] = before(`${seed}/${i}`);
        const [owner] = after(`${seed}/${i}`);
        if (old === owner) continue;
        assertEquals(owner, "http://joining:8080");
        moved++;
      }
      // Six standard deviations of a binomial distribution.
      const share = 1 / (n + 1);
      const noise = 6 * Math.sqrt(keys * share * (1 - share));
      assert(Math.abs(moved - keys * share) <= noise, `${moved} of ${keys} keys moved`);
    }),
    { numRuns: 20 },
  );
});

test("rendezvous() returns the same rankings as in all earlier versions", () => {
  const peersOf = rendezvous().rank(["http://a:8080", "http://b:8080", "http://c:8080"]);
  const letters = (key: string): string =>
    [...peersOf(key)].map((peer) => peer.slice("http://".length, -":8080".length)).join("");
  assertEquals(
    ["a", "user:00001", "user:00002", " ", "日本語", "🙂", "x".repeat(1000), "/"].map(letters),
    ["bac", "cab", "bca", "acb", "acb", "bac", "abc", "bca"],
  );
});

test("rendezvous() has a name of its own", () => {
  assertEquals(rendezvous().name, "rendezvous");
  assertEquals(rendezvous().dialect, undefined);
});
