import { assert, assertEquals } from "@std/assert";
import { ForgottenChanges } from "../../lib/consistency/forgotten_changes.ts";
import { test } from "../runtime.ts";
import { A, B, C, keyOf, World } from "./world.ts";

const D = "http://d:1";

test("ForgottenChanges recognizes the last changes, whoever made them, and no more than twice as many", () => {
  const forgotten = new ForgottenChanges(3);
  const changes = Array.from({ length: 20 }, (_, time) => ({
    group: "texts",
    key: `key ${time % 4}`,
    stamp: { time, origin: time % 2 === 0 ? "a" : "b" },
  }));
  for (const [last, change] of changes.entries()) {
    forgotten.add(change);
    const found = changes.filter((change) => forgotten.has(change)).map(({ stamp }) => stamp.time);
    assertEquals(found.slice(-3), [last - 2, last - 1, last].filter((time) => time >= 0));
    assert(found.length <= 6, `${found.length} are recognized`);
  }
});

test("ForgottenChanges takes a change of another key for another change", () => {
  const forgotten = new ForgottenChanges(3);
  const stamp = { time: 1, origin: "a" };
  forgotten.add({ group: "texts", key: "one", stamp });
  assert(!forgotten.has({ group: "texts", key: "two", stamp }));
  assert(!forgotten.has({ group: "text", key: "sone", stamp }));
  assert(!forgotten.has({ group: "one", key: "texts", stamp }));
});

test("Processes that tell each other of more changes than they remember come to rest", async () => {
  await using world = new World();
  const urls = [A, B, C, D];
  const processes = world.startAll(urls, { limits: { maxChanges: 4 } });
  for (const [index, url] of urls.entries()) {
    world.network.setFault(url, { delayMs: 3 + 5 * index });
  }
  let isCut = true;
  world.lose(({ from, to }) => isCut && (from === D || to === D), Infinity);
  const removals = processes.flatMap(({ group }, index) =>
    Array.from({ length: 6 }, (_, n) => group.remove(`key ${index} ${n}`).catch(() => {}))
  );
  await world.clock.until(Promise.all(removals));
  isCut = false;
  let messages = 0;
  world.lose(() => ++messages === 0);
  await world.clock.advance(10_000);
  assert(messages < 500, `${messages} messages`);
});

test("A value that was set is not stored again by a late copy whose change is forgotten", async () => {
  await using world = new World();
  const limits = { maxChanges: 2 };
  const [, b] = world.startAll([A, B], { limits });
  if (b === undefined) throw new Error("expected two processes");
  const key = keyOf([A, B], B);
  let copy: (() => Promise<Response>) | undefined;
  const { fetch } = world.network;
  const spy = world.start(C, [A, B, C], {
    limits,
    fetch: (input, init) => {
      if (init?.method === "PUT") copy ??= () => fetch(input, { ...init, signal: null });
      return fetch(input, init);
    },
  });
  await world.clock.until(spy.group.set(key, "old"));
  await world.clock.until(spy.group.set(key, "new"));
  for (let n = 0; n < 3; n++) await world.clock.until(spy.group.remove(`other ${n}`));
  await copy?.();
  assertEquals(await world.get(b, key), "new");
});
