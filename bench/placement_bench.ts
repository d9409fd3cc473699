/**
 * Measures how evenly the placements distribute keys, and what a lookup costs:
 *
 *     deno run bench/placement_bench.ts [--json]
 *     bun bench/placement_bench.ts [--json]
 *
 * Balance is the largest number of 1,000,000 keys that one of 10 peers owns, divided by its fair share.
 */

import { fnv1a } from "../lib/placement/fnv.ts";
import { golangRing } from "../lib/placement/golang_ring.ts";
import { groupcacheGoRing } from "../lib/placement/groupcache_go_ring.ts";
import { mailgunRing } from "../lib/placement/mailgun_ring.ts";
import type { Placement } from "../lib/placement/placement.ts";
import { rendezvous } from "../lib/placement/rendezvous.ts";
import { args, print, runtime } from "./report.ts";

const KEYS = 1_000_000;
const LOOKUPS = 300_000;
const ROUNDS = 4;

const PLACEMENTS: Record<string, Placement> = {
  "rendezvous": rendezvous(),
  "golangRing": golangRing(),
  "golangRing, 512 points": golangRing({ replicas: 512 }),
  "mailgunRing": mailgunRing(),
  "mailgunRing, fnv1a": mailgunRing({ hash: "fnv1a" }),
  "mailgunRing, crc32": mailgunRing({ hash: "crc32" }),
  "groupcacheGoRing": groupcacheGoRing(),
  "groupcacheGoRing, 512 points": groupcacheGoRing({ replicas: 512 }),
  "groupcacheGoRing, fnv1a": groupcacheGoRing({ hash: "fnv1a" }),
};

const KEY_SHAPES: Record<string, (i: number) => string> = {
  "user:000042": (i) => `user:${String(i).padStart(6, "0")}`,
  "scattered": (i) => fnv1a(new TextEncoder().encode(`${i}/${i * 7}`)).toString(36),
};

const PEER_SHAPES: Record<string, (i: number) => string> = {
  "addresses": (i) => `http://10.0.0.${i + 1}:8080`,
  "ports": (i) => `http://127.0.0.1:${8001 + i}`,
  "hosts": (i) => `http://cache-${i}.cache.default.svc.cluster.local:8080`,
};

const isJson = args.includes("--json");

function owner(peers: Iterable<string>): string {
  for (const peer of peers) return peer;
  throw new Error("no peers");
}

function balance(placement: Placement, peers: string[], keys: string[]): number {
  const owned = new Map<string, number>();
  const peersOf = placement.rank(peers);
  for (const key of keys) {
    const peer = owner(peersOf(key));
    owned.set(peer, (owned.get(peer) ?? 0) + 1);
  }
  return Math.max(...owned.values()) / (keys.length / peers.length);
}

/** The best of several rounds, as the one least disturbed. */
function nsPerLookup(placement: Placement, peers: string[], keys: string[]): number {
  const peersOf = placement.rank(peers);
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    for (let i = 0; i < LOOKUPS; i++) owner(peersOf(keys[i % 10_000] ?? ""));
    best = Math.min(best, performance.now() - start);
  }
  return best * 1e6 / LOOKUPS;
}

const peersOfShape = (shape: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => PEER_SHAPES[shape]?.(i) ?? "");

const results = Object.entries(PLACEMENTS).map(([name, placement]) => ({
  placement: name,
  balance: {} as Record<string, number>,
  nsPerLookup: {} as Record<string, number>,
  of: placement,
}));

// Measured first: the million keys of the other table would slow this down.
const keys = Array.from({ length: 10_000 }, (_, i) => `user:${String(i).padStart(6, "0")}`);
for (const result of results) {
  for (const count of [3, 10, 100]) {
    const ns = nsPerLookup(result.of, peersOfShape("addresses", count), keys);
    result.nsPerLookup[`${count} peers`] = Math.round(ns);
  }
}

for (const [keysName, keyOf] of Object.entries(KEY_SHAPES)) {
  const keys = Array.from({ length: KEYS }, (_, i) => keyOf(i));
  for (const result of results) {
    for (const peersName of Object.keys(PEER_SHAPES)) {
      const most = balance(result.of, peersOfShape(peersName, 10), keys);
      result.balance[`${keysName}, ${peersName}`] = Number(most.toFixed(3));
    }
  }
}

const rows = results.map(({ placement, balance, nsPerLookup }) => ({
  placement,
  balance,
  nsPerLookup,
}));

if (isJson) {
  print(JSON.stringify({ runtime, keys: KEYS, peers: 10, placements: rows }, null, 2));
} else {
  const columns = (group: "balance" | "nsPerLookup"): void => {
    const heads = Object.keys(rows[0]?.[group] ?? {});
    print(["placement", ...heads].map((head, i) => head.padEnd(i === 0 ? 30 : 24)).join(""));
    for (const row of rows) {
      const cells = heads.map((head) => String(row[group][head]).padEnd(24));
      print(row.placement.padEnd(30) + cells.join(""));
    }
  };
  print(
    `${runtime}\n\nKeys of the fullest of 10 peers, as a multiple of its fair share of 1,000,000`,
  );
  columns("balance");
  print("\nNanoseconds to find the owner of a key");
  columns("nsPerLookup");
}
