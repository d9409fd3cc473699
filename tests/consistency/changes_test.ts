import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { failureOf } from "../failures.ts";
import { test } from "../runtime.ts";
import { A, B, C, keyOf, keysOf, movingKey, World } from "./world.ts";

const isChangeTo = (url: string) => ({ to, method }: { to: string; method: string }) =>
  to === url && (method === "DELETE" || method === "PUT");

test("remove() is not undone by a peek at a previous owner that is told last", async () => {
  await using world = new World();
  const [a, b] = world.startAll([A, B]) as [Proc, Proc];
  const c = world.start(C, [A, B, C]);
  const key = movingKey([[A, B], B], [[A, B, C], C]);
  await world.get(b, key);
  for (const { cache } of [a, b]) cache.setPeers([A, B, C]);
  const release = world.hold(isChangeTo(B));
  world.write(key);
  const removal = a.group.remove(key);
  await world.clock.advance(0);
  assertEquals(await world.get(c, key), world.valueOf(key));
  release();
  await world.clock.until(removal);
  for (const process of [a, b, c]) assertEquals(await world.get(process, key), world.valueOf(key));
});

test("remove() is not undone by a peek at a process that is no longer on the list", async () => {
  await using world = new World();
  const [a, b, c] = world.startAll([A, B, C]) as [Proc, Proc, Proc];
  const key = movingKey([[A, B, C], C], [[A, B], B]);
  await world.get(c, key);
  for (const { cache } of [a, b]) cache.setPeers([A, B]);
  world.write(key);
  await world.clock.until(a.group.remove(key));
  assertEquals(await world.get(b, key), world.valueOf(key));
});

test("A value that was set and has expired does not give way to the previous one", async () => {
  await using world = new World();
  const [a, b, c] = world.startAll([A, B, C], {}, {
    ttlMs: (value) => value.includes("short") ? 1000 : Infinity,
  }) as [Proc, Proc, Proc];
  const key = movingKey([[A, B, C], C], [[A, B], B]);
  await world.get(c, key);
  for (const { cache } of [a, b]) cache.setPeers([A, B]);
  world.write(key);
  await world.clock.until(a.group.set(key, "a short life"));
  assertEquals(await world.get(b, key), "a short life");
  await world.clock.advance(1000);
  assertEquals(await world.get(b, key), world.valueOf(key));
});

test("remove() is not undone by a peek at a leaving peer that was not told", async () => {
  await using world = new World();
  const [a, b, c] = world.startAll([A, B, C]) as [Proc, Proc, Proc];
  const key = keyOf([A, B, C], C, B);
  await world.get(c, key);
  // It hands nothing off, and does not get to the end.
  const release = world.hold(({ path }) => path.endsWith("_handoff-keys/"));
  const closed = c.cache.close({ drainMs: 60_000 });
  await world.clock.advance(0);
  world.lose(isChangeTo(C), 10);
  world.write(key);
  await world.clock.until(a.group.remove(key));
  assertEquals(await world.get(b, key), world.valueOf(key));
  release();
  await world.clock.until(closed);
});

test("Values that are handed off keep their time to live", async () => {
  await using world = new World();
  const [a, b, c] = world.startAll([A, B, C], {}, { ttlMs: 10_000 }) as [Proc, Proc, Proc];
  const key = keyOf([A, B, C], C, B);
  await world.get(c, key);
  await world.clock.until(c.cache.close({ drainMs: 5000 }));
  for (const { cache } of [a, b]) cache.setPeers([A, B]);
  const before = world.valueOf(key);
  world.write(key);
  assertEquals(await world.get(b, key), before);
  await world.clock.advance(10_000);
  assertEquals(await world.get(b, key), world.valueOf(key));
});

test("A process that comes back onto the list hears what was removed meanwhile", async () => {
  await using world = new World();
  const [a, b, c] = world.startAll([A, B, C]) as [Proc, Proc, Proc];
  const key = keyOf([A, B, C], C);
  await world.get(c, key);
  for (const { cache } of [a, b]) cache.setPeers([A, B]);
  world.write(key);
  await world.clock.until(a.group.remove(key));
  for (const { cache } of [a, b]) cache.setPeers([A, B, C]);
  for (const process of [a, b, c]) assertEquals(await world.get(process, key), world.valueOf(key));
});

test("A process that comes back having missed more than is remembered drops all it holds", async () => {
  await using world = new World();
  const [a, b, c] = world.startAll([A, B, C]) as [Proc, Proc, Proc];
  const key = keyOf([A, B, C], C);
  await world.get(c, key);
  for (const { cache } of [a, b]) cache.setPeers([A, B]);
  world.write(key);
  await world.clock.until(a.group.remove(key));
  // The log of a process holds 2^20 units of keys.
  for (let i = 0; i < 40; i++) await world.clock.until(a.group.remove(`${i} `.repeat(20_000)));
  for (const { cache } of [a, b]) cache.setPeers([A, B, C]);
  for (const process of [a, b, c]) assertEquals(await world.get(process, key), world.valueOf(key));
});

test("A process that had to drop all it holds accepts nothing older from one that has yet to", async () => {
  await using world = new World();
  const limits = { maxChanges: 2 };
  const [a, b, c] = world.startAll([A, B, C], { limits }) as [Proc, Proc, Proc];
  const key = keyOf([A, B, C], C);
  await world.get(c, key);
  const [cutOffB, cutOffC] = [{ isOn: true }, { isOn: true }];
  world.lose(({ from, to }) => cutOffB.isOn && [from, to].sort().join() === `${A},${B}`, Infinity);
  world.lose(({ from, to }) => cutOffC.isOn && [from, to].sort().join() === `${A},${C}`, Infinity);
  world.write(key);
  await assertRejects(() => world.clock.until(a.group.remove(key)));
  for (const other of ["x", "y", "z"]) {
    await assertRejects(() => world.clock.until(a.group.remove(other)));
  }
  cutOffB.isOn = false;
  await world.clock.advance(30_000);
  assertEquals(await world.get(b, key), world.valueOf(key));
  cutOffC.isOn = false;
  await world.clock.advance(30_000);
  for (const process of [a, b, c]) assertEquals(await world.get(process, key), world.valueOf(key));
});

test("A process that joins others that remember little leaves them what they hold", async () => {
  await using world = new World();
  const limits = { maxChanges: 2 };
  const D = "http://d:1";
  const processes = world.startAll([A, B, C], { limits });
  const keys = [A, B, C].map((url) => movingKey([[A, B, C], url], [[A, B, C, D], url]));
  const [a] = processes as [Proc];
  for (let i = 0; i < 9; i++) await world.clock.until(a.group.remove(`other ${i}`));
  await world.clock.advance(10_000);
  for (const key of keys) await world.get(a, key);
  const d = world.start(D, [A, B, C, D], { limits });
  assertEquals(await world.get(d, keys[0] as string), world.valueOf(keys[0] as string));
  for (const { cache } of processes) cache.setPeers([A, B, C, D]);
  for (let i = 0; i < 9; i++) await world.clock.until(d.group.remove(`other ${i}`));
  await world.clock.advance(10_000);
  for (const key of keys) assertEquals(await world.get(d, key), world.valueOf(key));
  assertEquals(world.loads, keys);
});

test("A process that joins while others keep changing keys leaves them what they hold", async () => {
  await using world = new World();
  // Fewer than one reply holds, and all of them taken when it joins.
  const limits = { maxChanges: 600 };
  const D = "http://d:1";
  const processes = world.startAll([A, B, C], { limits });
  let count = 0;
  const change = async (): Promise<void> => {
    const { group } = processes[count % 3] as Proc;
    await world.clock.until(group.remove(`other ${count++}`));
  };
  while (count < 700) await change();
  await world.clock.advance(5000);
  const keys = Array.from({ length: 30 }, (_, i) => `held ${i}`);
  for (const { group } of processes) await world.clock.until(group.getMany(keys));
  const held = () => processes.map(({ group }) => keys.filter((key) => group.peek(key)).length);
  const before = held();
  const d = world.start(D, [A, B, C, D], { limits });
  for (let i = 0; i < 20; i++) {
    if (i === 3) { for (const { cache } of processes) cache.setPeers([A, B, C, D]); }
    for (let j = 0; j < 10; j++) await change();
    await world.get(d, keys[i] as string);
    await world.clock.advance(10);
  }
  await world.clock.advance(5000);
  assertEquals(held(), before);
});

test("A process that makes more changes at once than its log holds leaves all what they hold", async () => {
  await using world = new World();
  const processes = world.startAll([A, B, C], { limits: { maxChanges: 512 } });
  const keys = Array.from({ length: 30 }, (_, i) => `held ${i}`);
  for (const { group } of processes) await world.clock.until(group.getMany(keys));
  const held = () => processes.map(({ group }) => keys.filter((key) => group.peek(key)).length);
  const before = held();
  const [{ group }] = processes as [Proc];
  const changes = Array.from({ length: 1000 }, (_, i) => {
    return i % 2 === 0 ? group.remove(`other ${i}`) : group.set(`other ${i}`, "value");
  });
  await world.clock.until(Promise.all(changes));
  await world.clock.advance(10_000);
  assertEquals(held(), before);
});

test("A process that has just started accepts nothing older than what its peers know of", async () => {
  await using world = new World();
  const D = "http://d:1";
  const [a, b, c] = world.startAll([A, B, C]) as [Proc, Proc, Proc];
  const key = movingKey([[A, B, C], C], [[A, B, C, D], C]);
  await world.get(c, key);
  for (const { cache } of [a, b]) cache.setPeers([A, B]);
  world.write(key);
  // More changes than one reply holds.
  for (let i = 0; i < 600; i++) await world.clock.until(b.group.remove(`other ${i}`));
  await world.clock.until(a.group.remove(key));
  const d = world.start(D, [A, B, C, D]);
  assertEquals(await world.get(d, key), world.valueOf(key));
  await world.clock.advance(10_000);
});

test("A process that was alone for long accepts nothing older than what its first peers know of", async () => {
  await using world = new World();
  const D = "http://d:1";
  const d = world.start(D, [D]);
  const [a, b, c] = world.startAll([A, B, C]) as [Proc, Proc, Proc];
  const key = movingKey([[A, B, C], C], [[A, B, C, D], C]);
  await world.get(c, key);
  for (const { cache } of [a, b]) cache.setPeers([A, B]);
  world.write(key);
  await world.clock.until(a.group.remove(key));
  await world.clock.advance(3_600_000);
  d.cache.setPeers([A, B, C, D]);
  assertEquals(await world.get(d, key), world.valueOf(key));
});

test("Nothing older is accepted from a process that has started unnoticed at a peer's URL", async () => {
  await using world = new World();
  const urls = [A, B, C];
  const [a, b, c] = world.startAll(urls) as [Proc, Proc, Proc];
  const key = keyOf(urls, B, C);
  world.network.setFault(B, "refuse");
  await world.get(c, key);
  world.network.setFault(B, undefined);
  await world.get(a, key);
  for (const { cache } of [a, b]) cache.setPeers([A, B]);
  world.write(key);
  await world.clock.until(a.group.remove(key));
  await b.cache.close();
  // The new process hears nothing of the removal, and takes the value of one that does not either.
  world.lose(({ from, to }) => from === B && to === A || from === A && to === C, Infinity);
  const next = world.start(B, urls);
  a.cache.setPeers(urls);
  await world.get(next, key);
  assertEquals(await world.get(a, key), world.valueOf(key));
  assertEquals(await world.get(next, key), world.valueOf(key));
});

test("remove() holds although the owner's first message is lost and others are told before it", async () => {
  await using world = new World();
  const [a, b, c] = world.startAll([A, B, C], {}, { mirrorMinuteQps: 0 }) as [Proc, Proc, Proc];
  const key = keyOf([A, B, C], B);
  await world.get(b, key);
  world.lose(isChangeTo(B), 2); // The second one is the client's own repetition.
  let isHeld = false;
  const release = world.hold((message) => isHeld && isChangeTo(B)(message));
  world.write(key);
  const removal = a.group.remove(key);
  isHeld = true;
  await world.clock.advance(0);
  await world.get(c, key);
  release();
  await world.clock.until(removal);
  for (const process of [a, b, c]) assertEquals(await world.get(process, key), world.valueOf(key));
});

test("A process hands off what it holds though the others have delisted it before", async () => {
  await using world = new World();
  const [a, b, c] = world.startAll([A, B, C], { handoffMs: 0 }) as [Proc, Proc, Proc];
  const keys = Array.from({ length: 50 }, (_, i) => `key ${i}`);
  await world.clock.until(c.group.getMany(keys));
  for (const { cache } of [a, b]) cache.setPeers([A, B]);
  await world.clock.until(c.cache.close({ drainMs: 5000 }));
  world.loads.length = 0;
  await world.clock.until(a.group.getMany(keys));
  assertEquals(world.loads, []);
});

test("set() and remove() are not done if what answers is no peer", async () => {
  for (const call of ["set", "remove"] as const) {
    await using world = new World();
    const [a] = world.startAll([A, B]) as [Proc];
    world.network.listen(B, () => new Response("Welcome!"));
    const key = keyOf([A, B], A);
    const error = await failureOf(world.clock.until(a.group[call](key, "new")));
    assertEquals(error.code, "peer-failed");
    assertStringIncludes(error.message, B);
  }
});

test("A peer has not been told of a change while something else answers in its place", async () => {
  await using world = new World();
  const [a, b, c] = world.startAll([A, B, C]) as [Proc, Proc, Proc];
  const key = keyOf([A, B, C], C);
  await world.get(c, key);
  world.network.listen(C, () => new Response("Welcome!"));
  world.write(key);
  const error = await failureOf(world.clock.until(a.group.remove(key)));
  assertEquals(error.code, "peer-failed");
  await world.clock.advance(10_000);
  world.network.listen(C, c.cache.fetch);
  for (const process of [a, b, c]) assertEquals(await world.get(process, key), world.valueOf(key));
});

test("set() and remove() do not fail at processes that lack the group", async () => {
  await using world = new World();
  const [a] = world.startAll([A, B]) as [Proc];
  const other = a.cache.group("new", { maxBytes: 1 << 20, load: () => "loaded" });
  for (const key of [keyOf([A, B], A), keyOf([A, B], B)]) {
    await world.clock.until(other.set(key, "set"));
    assertEquals((await world.clock.until(other.get(key))).text(), "set");
    await world.clock.until(other.remove(key));
    assertEquals((await world.clock.until(other.get(key))).text(), "loaded");
  }
});

test("A change that rejects names the peers it could not tell, and is told to them later", async () => {
  await using world = new World();
  const [a, b, c] = world.startAll([A, B, C]) as [Proc, Proc, Proc];
  const key = keyOf([A, B, C], C);
  await world.get(c, key);
  world.network.setFault(C, "refuse");
  world.write(key);
  const error = await failureOf(world.clock.until(a.group.remove(key)));
  assertEquals(error.code, "peer-failed");
  assertStringIncludes(error.message, C);
  assert(!error.message.includes(B), error.message);
  world.network.setFault(C, undefined);
  await world.clock.advance(10_000);
  assertEquals(c.group.peek(key), undefined);
  for (const process of [a, b, c]) assertEquals(await world.get(process, key), world.valueOf(key));
});

test("A peer that missed a change is told before it is asked by a process that knows of it", async () => {
  await using world = new World();
  const [a, b, c] = world.startAll([A, B, C]) as [Proc, Proc, Proc];
  const key = keyOf([A, B, C], C);
  await world.get(c, key);
  // A cannot reach the owner; B can.
  world.lose(({ from, to }) => from === A && to === C, Infinity);
  world.write(key);
  await assertRejects(() => world.clock.until(a.group.remove(key)));
  assertEquals(await world.get(b, key), world.valueOf(key));
  assertEquals(await world.get(c, key), world.valueOf(key));
});

test("Nothing is taken as settled of which a peer was not told that was off the list for a moment", async () => {
  await using world = new World();
  const urls = [A, B, C];
  const [a, b, c] = world.startAll(urls, {}, { mirrorMinuteQps: 0 }) as [Proc, Proc, Proc];
  const keys = keysOf(urls, C, B);
  const [key, other] = [keys.next().value, keys.next().value];
  await world.get(c, key);
  const isToC = ({ from, to }: { from: string; to: string }) => from === A && to === C;
  // As the owner, C cannot be told; as one of the others, it is being told when it leaves the list.
  world.lose(isToC, 2);
  const release = world.hold(isToC);
  world.lose(isToC, Infinity);
  world.write(key);
  const removal = a.group.remove(key);
  await world.clock.advance(0);
  a.cache.setPeers([A, B]);
  release();
  await world.clock.until(removal);
  // A asks B, which then knows all that A knows.
  await world.clock.until(b.group.set(other, "set"));
  assertEquals(await world.get(a, other), "set");
  a.cache.setPeers(urls);
  await assertRejects(() => world.clock.until(a.group.remove("what B hears of with A's list")));
  assertEquals(await world.get(b, key), world.valueOf(key));
});

test("Concurrent sets leave one value in all processes", async () => {
  await using world = new World();
  const processes = world.startAll([A, B, C], {}, { mirrorMinuteQps: 0 });
  for (let round = 0; round < 20; round++) {
    const key = `key ${round}`;
    await Promise.all(processes.map((process) => world.get(process, key)));
    await world.clock.until(
      Promise.all(processes.map(({ group, url }) => group.set(key, `from ${url}`))),
    );
    const values = await Promise.all(processes.map((process) => world.get(process, key)));
    assertEquals(new Set(values).size, 1, values.join());
    assertStringIncludes(values[0] as string, "from");
  }
});

test("A value that was set is not stored again by a copy of the message that comes late", async () => {
  await using world = new World();
  const [a, b] = world.startAll([A, B]) as [Proc, Proc];
  const key = keyOf([A, B], B);
  let copy: (() => Promise<Response>) | undefined;
  const { fetch } = world.network;
  const spy = world.start(C, [A, B, C], {
    fetch: (input, init) => {
      if (init?.method === "PUT") copy = () => fetch(input, { ...init, signal: null });
      return fetch(input, init);
    },
  });
  await world.clock.until(spy.group.set(key, "old"));
  world.write(key);
  await world.clock.until(a.group.set(key, "new"));
  assertEquals((await copy?.())?.status, 200);
  assertEquals(await world.get(b, key), "new");
});

test("A process that has just started sets a value although others have counted further", async () => {
  await using world = new World();
  const [a, b] = world.startAll([A, B]) as [Proc, Proc];
  const key = keyOf([A, B], B);
  for (let i = 0; i < 20; i++) await world.clock.until(a.group.set(key, `old ${i}`));
  const c = world.start(C, [A, B, C]);
  await world.clock.until(c.group.set(key, "new"));
  for (const process of [a, b]) assertEquals(await world.get(process, key), "new");
});

test("Nothing remains to be done once all peers know of a change", async () => {
  await using world = new World();
  const [a] = world.startAll([A, B, C]) as [Proc];
  for (let i = 0; i < 20; i++) await world.clock.until(a.group.set(`key ${i}`, "value"));
  await world.clock.advance(10_000);
  const { pendingTimers } = world.clock;
  assertEquals(pendingTimers, 0);
});

for (const apartMs of [-3_600_000, 3_600_000]) {
  test(`Values keep their time to live among clocks ${apartMs} ms apart`, async () => {
    await using world = new World();
    const { clock } = world;
    const apart = {
      now: () => clock.now() + apartMs,
      setTimeout: (callback: () => void, ms: number) => clock.setTimeout(callback, ms),
      clearTimeout: (timer: unknown) => clock.clearTimeout(timer),
    };
    const options = { ttlMs: 10_000, mirrorMinuteQps: 0 };
    const a = world.start(A, [A, B], {}, options);
    const b = world.start(B, [A, B], { clock: apart }, options);
    for (const [owner, other] of [[a, b], [b, a]] as const) {
      const loaded = keyOf([A, B], owner.url);
      const before = world.valueOf(loaded);
      for (const process of [other, owner]) assertEquals(await world.get(process, loaded), before);
      world.write(loaded);
      await clock.advance(9_000);
      for (const process of [other, owner]) assertEquals(await world.get(process, loaded), before);
      await clock.advance(2_000);
      for (const process of [other, owner]) {
        assertEquals(await world.get(process, loaded), world.valueOf(loaded));
      }
      await clock.until(other.group.set(loaded, "set"));
      await clock.advance(9_000);
      for (const process of [other, owner]) assertEquals(await world.get(process, loaded), "set");
      await clock.advance(2_000);
      for (const process of [other, owner]) {
        assertEquals(await world.get(process, loaded), world.valueOf(loaded));
      }
    }
  });
}

test("A clock that is set back makes no value live longer", async () => {
  await using world = new World();
  let backMs = 0;
  const { clock } = world;
  const jumping = {
    now: () => clock.now() - backMs,
    setTimeout: (callback: () => void, ms: number) => clock.setTimeout(callback, ms),
    clearTimeout: (timer: unknown) => clock.clearTimeout(timer),
  };
  const a = world.start(A, [A], { clock: jumping }, { ttlMs: 10_000 });
  const before = world.valueOf("key");
  assertEquals(await world.get(a, "key"), before);
  world.write("key");
  await clock.advance(5000);
  assertEquals(await world.get(a, "key"), before);
  backMs = 3_600_000;
  assertEquals(await world.get(a, "key"), before);
  await clock.advance(5000);
  assertEquals(await world.get(a, "key"), world.valueOf("key"));
});

test("A clock that is set back keeps no peer from being probed", async () => {
  await using world = new World();
  let backMs = 0;
  const { clock } = world;
  const jumping = {
    now: () => clock.now() - backMs,
    setTimeout: (callback: () => void, ms: number) => clock.setTimeout(callback, ms),
    clearTimeout: (timer: unknown) => clock.clearTimeout(timer),
  };
  const a = world.start(A, [A, B], { clock: jumping });
  world.start(B, [A, B]);
  const events: string[] = [];
  for (const type of ["peer-down", "peer-up"] as const) {
    a.cache.addEventListener(type, () => events.push(type));
  }
  const key = keyOf([A, B], B);
  world.network.setFault(B, "refuse");
  for (let i = 0; events.length === 0 && i < 20; i++) {
    await world.get(a, key);
    await clock.until(a.group.remove(key).catch(() => {}));
  }
  backMs = 3_600_000;
  world.network.setFault(B, undefined);
  for (let i = 0; i < 10; i++) {
    await clock.until(a.group.remove(key).catch(() => {}));
    await world.get(a, key);
    await clock.advance(1000);
  }
  assertEquals(events, ["peer-down", "peer-up"]);
});

type Proc = ReturnType<World["start"]>;
