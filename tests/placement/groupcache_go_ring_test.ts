import { assertEquals } from "@std/assert";
import { groupcacheGoRing } from "../../lib/placement/groupcache_go_ring.ts";
import { mailgunRing } from "../../lib/placement/mailgun_ring.ts";
import { test } from "../runtime.ts";
import { conforms } from "./conformance.ts";

conforms("groupcacheGoRing()", groupcacheGoRing);

const OWNERS: [peers: string[], owners: Record<string, string>][] = [
  [["6", "4", "2"], { "12,000": "4", "11": "6", "500,000": "4", "1,000,000": "2" }],
  [["6", "4", "2", "8"], { "12,000": "4", "11": "8", "500,000": "4", "1,000,000": "8" }],
];

for (const [peers, owners] of OWNERS) {
  test(`groupcacheGoRing() passes Go's own test of a ring of ${peers.length} peers`, () => {
    const peersOf = groupcacheGoRing({ replicas: 512 }).rank(peers);
    for (const [key, owner] of Object.entries(owners)) assertEquals([...peersOf(key)][0], owner);
  });
}

const ADDRESSES: [peer: string, address: string][] = [
  ["http://10.0.0.1:8080", "10.0.0.1:8080"],
  ["https://10.0.0.1:8080", "10.0.0.1:8080"],
  ["http://Cache.example.com", "Cache.example.com:80"],
  ["https://cache.example.com", "cache.example.com:443"],
  ["HTTPS://cache.example.com", "cache.example.com:443"],
  ["http://cache.example.com:80", "cache.example.com:80"],
  ["http://[2001:db8::1]", "[2001:db8::1]:80"],
  ["http://[2001:db8::1]:8080", "[2001:db8::1]:8080"],
];

for (const [peer, address] of ADDRESSES) {
  test(`groupcacheGoRing() identifies ${peer} as ${address}`, () => {
    // What tells this ring from mailgun's is only how it names peers.
    const other = "http://10.9.9.9:9999";
    const peersOf = groupcacheGoRing().rank([peer, other]);
    const expectedOf = mailgunRing().rank([address, "10.9.9.9:9999"]);
    for (let i = 0; i < 200; i++) {
      const key = `${i * 7919}`;
      const [expected] = expectedOf(key);
      assertEquals([...peersOf(key)][0], expected === address ? peer : other);
    }
  });
}

test("groupcacheGoRing() names the dialect of its peers", () => {
  assertEquals(groupcacheGoRing().dialect, "mailgun");
});
