import { assert, assertEquals } from "@std/assert";
import { type Group, type GroupOptions, text } from "../../mod.ts";
import { Cluster } from "../../lib/testing/mod.ts";
import { test } from "../runtime.ts";

/** A cluster of three, and the process that owns "hot". */
async function setUp(options: Partial<GroupOptions<string>> = {}) {
  const cluster = new Cluster(3);
  const groups = cluster.caches.map((cache) =>
    cache.group("texts", {
      maxBytes: 1 << 20,
      codec: text,
      load: (key) => `value of ${key}`,
      ...options,
    })
  );
  await groups[0]?.get("hot");
  const owner = groups.findIndex((group) => group.peek("hot") !== undefined);
  const [group, other] = groups.filter((_, index) => index !== owner);
  assert(group !== undefined && other !== undefined);
  return {
    cluster,
    owner: groups[owner] as Group<string>,
    group: group as Group<string>,
    other: other as Group<string>,
  };
}

test("A hot key is mirrored by the processes that ask for it, and its owner is hardly asked any more", async () => {
  const { owner, group, other } = await setUp();
  const before = owner.stats().serverRequests;
  for (let i = 0; i < 2000; i++) {
    await group.get("hot");
    await other.get("hot");
  }
  const asked = owner.stats().serverRequests - before;
  assert(asked <= 40, `asked ${asked} times of 4,000`);
  assertEquals([group.stats().mirrored, other.stats().mirrored], [1, 1]);
  assert(owner.stats().hotServerRequests >= 2, "the owner knows that the key is hot");
});

test("A key that is rarely asked for is not mirrored", async () => {
  const { cluster, group, other } = await setUp();
  for (let i = 0; i < 20; i++) {
    await group.get("hot");
    await other.get("hot");
    await cluster.clock.advance(15_000);
  }
  assertEquals([group.stats().mirrored, other.stats().mirrored], [0, 0]);
});

test("A mirror in use is renewed with one call a minute, although its owner sees a low rate", async () => {
  const { cluster, owner, group } = await setUp();
  for (let i = 0; i < 100; i++) await group.get("hot");
  assertEquals(group.stats().mirrored, 1);
  const before = owner.stats().serverRequests;
  for (let second = 0; second < 600; second++) {
    await group.get("hot");
    cluster.clock.advance(1000);
    await cluster.clock.advance(0);
  }
  const asked = owner.stats().serverRequests - before;
  assert(asked >= 9 && asked <= 11, `asked ${asked} times in ten minutes`);
});

test("An unused mirror is forgotten", async () => {
  const { cluster, owner, group } = await setUp();
  for (let i = 0; i < 100; i++) await group.get("hot");
  await cluster.clock.advance(180_000);
  const before = group.stats().mirrored;
  await group.get("hot");
  assertEquals(group.stats().mirrored, before, "one call after a long time makes no key hot");
  assert(owner.stats().serverRequests > 0);
});

test("mirrorMinuteQps of Infinity mirrors nothing, however hot", async () => {
  const { group } = await setUp({ mirrorMinuteQps: Infinity });
  for (let i = 0; i < 500; i++) await group.get("hot");
  assertEquals(group.stats().mirrored, 0);
});

test("A mirror expires with its value if that is earlier than mirrorTtlMs", async () => {
  const { cluster, owner, group } = await setUp({ ttlMs: 10_000, mirrorMinuteQps: 0 });
  await group.get("hot");
  await cluster.clock.advance(9_999);
  assertEquals(group.peek("hot"), "value of hot");
  await cluster.clock.advance(1);
  assertEquals([group.peek("hot"), owner.peek("hot")], [undefined, undefined]);
  await group.get("hot");
  assertEquals(group.peek("hot"), "value of hot");
});

test("Colder keys do not evict hotter mirrors", async () => {
  const { cluster, group } = await setUp({ load: (key) => key.padEnd(2000, ".") });
  for (let i = 0; i < 300; i++) await group.get("hot");
  assert(group.peek("hot") !== undefined);
  // More warm keys than an eighth of the group's memory can mirror.
  for (let round = 0; round < 40; round++) {
    for (let key = 0; key < 200; key++) await group.get(`warm ${key}`);
    for (let i = 0; i < 10; i++) await group.get("hot");
  }
  await cluster.clock.advance(0);
  const { hot } = group.stats();
  assert(hot.bytes <= (1 << 20) / 8);
  assert(group.peek("hot") !== undefined, "the hottest is still there");
});
