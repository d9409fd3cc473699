import { assertEquals } from "@std/assert";
import type { Peer } from "../../lib/peer/peer.ts";
import { PreviousOwners, type Rank } from "../../lib/peer/previous_owners.ts";
import { VirtualClock } from "../../lib/testing/mod.ts";
import { fakePeer } from "../fake_peer.ts";
import { test } from "../runtime.ts";

const SELF = "http://self:1";

function setUp(handoffMs = 1000) {
  const clock = new VirtualClock();
  const owners = new PreviousOwners({ clock, handoffMs });
  /** Whose all keys were, among peers of these names. */
  const era = (owner: string, ...others: string[]): [Rank, Map<string, Peer>] => [
    () => [owner, ...others],
    new Map([owner, ...others].filter((url) => url !== SELF).map((url) => [url, fakePeer(url)])),
  ];
  const previous = () => owners.of("key").map(({ url }) => url);
  return { clock, owners, era, previous };
}

test("PreviousOwners names the owners before each of the last three changes, the latest first", () => {
  const { owners, era, previous } = setUp();
  assertEquals(previous(), []);
  for (const url of ["a", "b", "c", "d"]) owners.remember(...era(url, "e"));
  assertEquals(previous(), ["d", "c", "b"]);
});

test("PreviousOwners forgets a change when handoffMs have passed", async () => {
  const { clock, owners, era, previous } = setUp();
  owners.remember(...era("a"));
  await clock.advance(400);
  owners.remember(...era("b"));
  await clock.advance(599);
  assertEquals(previous(), ["b", "a"]);
  await clock.advance(1);
  assertEquals(previous(), ["b"]);
  await clock.advance(400);
  assertEquals(previous(), []);
});

test("PreviousOwners leaves out this process", () => {
  const { owners, era, previous } = setUp();
  owners.remember(...era(SELF, "a"));
  assertEquals(previous(), []);
});

test("PreviousOwners remembers only the last time that the process was alone", () => {
  const { owners, era, previous } = setUp();
  owners.remember(...era("a"));
  for (const url of ["b", "c", "d", "e"]) owners.rememberAlone(...era(url));
  assertEquals(previous(), ["e", "a"]);
});

test("PreviousOwners remembers nothing if handoffMs is 0", () => {
  const { owners, era, previous } = setUp(0);
  owners.remember(...era("a"));
  owners.rememberAlone(...era("b"));
  assertEquals(previous(), []);
});
