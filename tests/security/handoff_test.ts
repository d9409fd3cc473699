import { assertEquals } from "@std/assert";
import { A, B, C, World } from "../consistency/world.ts";
import { test } from "../runtime.ts";

/** Offers 10,000 keys to a process, as anybody can in the name of a peer. */
function offer(world: World, to: string, from: string): Promise<Response> {
  const keys = Array.from({ length: 10_000 }, (_, i) => `offered ${i}`);
  return world.network.fetch(`${to}/_groupcache/texts/_handoff-keys/`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ from, keys }),
  });
}

/** What a process asks another one for. */
function watch(world: World, from: string, to: string): string[] {
  const paths: string[] = [];
  world.hold((message) => {
    if (message.from === from && message.to === to) paths.push(message.path);
    return false;
  });
  return paths;
}

test("A stranger's offer has no key fetched from a peer that stays, nor from none", async () => {
  await using world = new World();
  world.startAll([A, B]);
  const asked = watch(world, B, A);
  for (const from of [A, C]) {
    const reply = await world.clock.until(offer(world, B, from));
    assertEquals(reply.headers.get("groupcache-error"), "peer-failed", from);
  }
  // It asks whether it leaves.
  assertEquals(new Set(asked), new Set(["/_groupcache/"]));
});

test("An offer of 10,000 keys leaves room for callers who wait for the same peer", async () => {
  await using world = new World();
  const limits = { maxQueued: 200, maxKeys: 10 };
  const [a, b] = world.startAll([A, B], { limits }) as [Proc, Proc];
  const keys = Array.from({ length: 100 }, (_, i) => `key ${i}`)
    .filter((key) => a.group.inspect(key).owner === A);
  await world.clock.until(a.group.getMany(keys));
  // It gets no further with its own offers.
  world.hold(({ from, path }) => from === A && path.endsWith("_handoff-keys/"));
  const closed = a.cache.close({ drainMs: 60_000 });
  await world.clock.advance(0);
  const asked = watch(world, B, A);
  const release = world.hold(({ from, path }) => from === B && path.startsWith("/_groupcache/t"));
  const offered = offer(world, B, A);
  while (!asked.some((path) => path.startsWith("/_groupcache/t"))) await world.clock.advance(0);
  world.loads.length = 0;
  const values = b.group.getMany(keys);
  await world.clock.advance(0);
  release();
  assertEquals((await world.clock.until(values)).size, keys.length);
  assertEquals(world.loads, [], "all are in the memory of the peer that leaves");
  await offered;
  await world.clock.until(closed);
});

type Proc = ReturnType<World["start"]>;
