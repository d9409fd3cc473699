import { assertEquals } from "@std/assert";
import { type Group, GroupCache, rendezvous, text } from "../../mod.ts";
import { Cluster } from "../../lib/testing/mod.ts";
import { codeOf } from "../failures.ts";
import { test } from "../runtime.ts";

const MAX_VALUE_BYTES = 100;
const FITS = "x".repeat(MAX_VALUE_BYTES);
const LARGE = "x".repeat(MAX_VALUE_BYTES + 1);

class Setup {
  readonly cluster = new Cluster(2, { limits: { maxValueBytes: MAX_VALUE_BYTES } });
  readonly groups: Group<string>[];
  loads = 0;

  constructor() {
    this.groups = this.cluster.caches.map((cache) =>
      cache.group("texts", {
        maxBytes: 1 << 20,
        codec: text,
        mirrorMinuteQps: Infinity,
        load: (key) => {
          this.loads++;
          return key.startsWith("large") ? LARGE : FITS;
        },
      })
    );
  }

  /** Keys that a process owns. */
  keys(process: number, name: string, count: number): string[] {
    const rank = rendezvous().rank(this.cluster.urls);
    const keys: string[] = [];
    for (let i = 0; keys.length < count; i++) {
      const [owner] = rank(`${name} ${i}`);
      if (owner === this.cluster.urls[process]) keys.push(`${name} ${i}`);
    }
    return keys;
  }
}

test("A value that is too large to send is available only where it is loaded", async () => {
  const setup = new Setup();
  await using cluster = setup.cluster;
  const [owner, asker] = setup.groups as [Group<string>, Group<string>];
  const [key = ""] = setup.keys(0, "large", 1);
  for (let i = 0; i < 3; i++) {
    assertEquals(await cluster.clock.until(codeOf(asker.get(key))), "too-large");
  }
  assertEquals(await owner.get(key), LARGE);
  assertEquals(setup.loads, 1, "it is kept, and nobody loads it for himself");
  assertEquals(asker.stats().peerErrors, 0);
});

test("Group.getMany() returns the values that are not too large", async () => {
  const setup = new Setup();
  await using cluster = setup.cluster;
  const asker = setup.groups[1] as Group<string>;
  const keys = [...setup.keys(0, "large", 2), ...setup.keys(0, "small", 20)];
  for (let i = 0; i < 2; i++) {
    const results = await cluster.clock.until(asker.getMany(keys, { settled: true }));
    const outcomes = keys.map((key) => {
      const result = results.get(key);
      return result?.status === "fulfilled" ? result.value : result?.reason.code;
    });
    assertEquals(outcomes, ["too-large", "too-large", ...new Array(20).fill(FITS)]);
  }
});

test("Group.set() of a value that is too large changes nothing, whoever owns the key", async () => {
  const setup = new Setup();
  await using cluster = setup.cluster;
  const [first, second] = setup.groups as [Group<string>, Group<string>];
  for (const key of [...setup.keys(0, "small", 1), ...setup.keys(1, "small", 1)]) {
    await cluster.clock.until(first.set(key, "old"));
    const requests = cluster.requestsTo(1);
    assertEquals(await codeOf(first.set(key, LARGE)), "too-large");
    assertEquals(cluster.requestsTo(1), requests);
    assertEquals(await cluster.clock.until(first.get(key)), "old");
    await cluster.clock.until(first.set(key, FITS));
    assertEquals(await cluster.clock.until(second.get(key)), FITS);
  }
});

test("Group.set() takes values of any size where there are no other processes", async () => {
  await using cache = new GroupCache({ limits: { maxValueBytes: MAX_VALUE_BYTES } });
  const group = cache.group("texts", { maxBytes: 1 << 20, codec: text, load: () => undefined });
  await group.set("key", LARGE);
  assertEquals(await group.get("key"), LARGE);
});
