import { assertEquals } from "@std/assert";
import { A, B, keyOf, World } from "../consistency/world.ts";
import { test } from "../runtime.ts";

test("A value that a peer sets replaces that of a load in flight, though its change came before it", async () => {
  await using world = new World();
  const { promise, resolve } = Promise.withResolvers<string>();
  const a = world.start(A, [A, B]);
  const b = world.start(B, [A, B], { handoffMs: 0 }, { load: () => promise });
  const key = keyOf([A, B], B);
  const release = world.hold(({ method }) => method === "PUT");
  const call = a.group.set(key, "set");
  // B is told of the change before it is asked, and loads.
  const load = a.group.get(key);
  await world.clock.advance(0);
  release();
  await world.clock.until(call);
  resolve("loaded");
  assertEquals(await world.clock.until(load), "loaded");
  assertEquals(await world.get(b, key), "set");
});

test("A value that a peer sets lives no longer than the owner's own", async () => {
  await using world = new World();
  const a = world.start(A, [A, B]);
  const b = world.start(B, [A, B], {}, { ttlMs: 1000 });
  const key = keyOf([A, B], B);
  await world.clock.until(a.group.set(key, "set"));
  assertEquals(await world.get(b, key), "set");
  await world.clock.advance(1000);
  assertEquals(await world.get(b, key), world.valueOf(key));
});
