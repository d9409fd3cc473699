import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { decodeHello, encodeHello, type Hello } from "../../lib/wire/hello.ts";
import { encodeSetRequest } from "../../lib/wire/set_request.ts";
import { utf8 } from "../../lib/wire/writer.ts";
import { A, B, C, keyOf, World } from "../consistency/world.ts";
import { test } from "../runtime.ts";

/** The highest time that a message can hold: one more would be refused. */
const LAST_TIME = 2 ** 48 - 1;
const NOTHING = { time: 0, list: "", settledTime: 0, changes: [] };
const RESET = { gaps: [{ origin: "forged", size: 1 }], safe: [] };
const PROTOBUF = { "content-type": "application/x-protobuf" };
const JSON_TYPE = { "content-type": "application/json" };
const LAST_CHANGE = { "groupcache-change": `${LAST_TIME} forged list 0` };

/** A hello in B's name. */
function forged(changes: Partial<NonNullable<Hello["changes"]>>, hello: Partial<Hello> = {}) {
  return encodeHello({
    instance: "forged",
    self: B,
    peers: [A, B],
    placement: "rendezvous",
    isLeaving: false,
    hadGivenUp: false,
    changes: { ...NOTHING, ...changes },
    ...hello,
  });
}

/** Sends a request that no peer has sent. */
async function forge(
  world: World,
  url: string,
  { path = "", headers = JSON_TYPE, ...init }: RequestInit & { path?: string },
): Promise<Response> {
  return await world.clock.until(
    world.network.fetch(`${url}/_groupcache/${path}`, { method: "POST", headers, ...init }),
  );
}

/** What a process reports to operators. */
function refusalsOf({ cache }: ReturnType<World["start"]>): string[] {
  const reasons: string[] = [];
  cache.addEventListener("peer-unauthorized", ({ reason, isRefused }) => {
    reasons.push(`${reason} ${isRefused}`);
  });
  return reasons;
}

for (const self of [B, "http://stranger:1"]) {
  test(`A stranger cannot make a process drop what it holds, in the name of ${self}`, async () => {
    await using world = new World();
    const [a] = world.startAll([A, B]) as [Proc];
    const refusals = refusalsOf(a);
    const key = keyOf([A, B], A);
    await world.get(a, key);
    const reply = await forge(world, A, { body: forged({ reset: RESET }, { self }) });
    assertEquals([reply.status, reply.headers.get("groupcache-error")], [421, "peer-failed"]);
    assertEquals(a.group.peek(key), world.valueOf(key));
    assertEquals(refusals, ["unconfirmed true"]);
  });
}

test("A process drops all it holds if the peer in whose name it is told to says so too", async () => {
  await using world = new World();
  const [a, b, c] = world.startAll([A, B, C]) as [Proc, Proc, Proc];
  const refusals = refusalsOf(c);
  const key = keyOf([A, B, C], C);
  await world.get(c, key);
  world.lose(({ to, method }) => to === C && method !== "GET", 100);
  world.write(key);
  await assertRejects(() => world.clock.until(a.group.remove(key)));
  // More than a process remembers.
  for (let i = 0; i < 40; i++) {
    await world.clock.until(a.group.remove(`${i} `.repeat(20_000)).catch(() => {}));
  }
  assertNotEquals(c.group.peek(key), undefined);
  await world.clock.advance(600_000);
  assertEquals(c.group.peek(key), undefined);
  for (const process of [a, b]) assertEquals(await world.get(process, key), world.valueOf(key));
  assertEquals(c.group.peek(key), world.valueOf(key), "it is asked again");
  assertEquals(refusals, []);
});

const FORGED_TIMES: { name: string; init: RequestInit & { path?: string } }[] = [
  { name: "a hello", init: { body: forged({ time: LAST_TIME }) } },
  {
    name: "a change in a hello",
    init: {
      body: forged({
        changes: [{ group: "texts", key: "key", stamp: { time: LAST_TIME, origin: "forged" } }],
      }),
    },
  },
  {
    name: "a removal",
    init: {
      path: "texts/key",
      method: "DELETE",
      headers: LAST_CHANGE,
    },
  },
  {
    name: "a removal of several keys",
    init: {
      path: "texts/_remove-keys/",
      headers: { ...LAST_CHANGE, ...JSON_TYPE },
      body: '{"keys":["key"]}',
    },
  },
  {
    name: "a value",
    init: {
      path: "texts/key",
      method: "PUT",
      headers: { ...LAST_CHANGE, ...PROTOBUF },
      body: encodeSetRequest({
        group: "texts",
        key: "key",
        value: utf8("forged"),
        expiresAtMs: Infinity,
      }),
    },
  },
];

for (const { name, init } of FORGED_TIMES) {
  test(`A stranger cannot count on to the last time there is with ${name}`, async () => {
    await using world = new World();
    const [a, b] = world.startAll([A, B]) as [Proc, Proc];
    const refusals = refusalsOf(a);
    await forge(world, A, init);
    assertEquals(refusals, ["unconfirmed true"]);
    for (const process of [a, b]) {
      for (const key of ["key", keyOf([A, B], A), keyOf([A, B], B)]) {
        await world.clock.until(process.group.set(key, `set by ${process.url}`));
        assertEquals(await world.get(a, key), `set by ${process.url}`);
      }
    }
    const { changes } = decodeHello(await (await forge(world, A, { body: forged({}) })).text());
    assert(changes !== undefined && changes.time < 100, `${changes?.time}`);
  });
}

test("A process hears of a change from a peer that has counted far on while it could not be told", async () => {
  await using world = new World();
  const [a, b] = world.startAll([A, B]) as [Proc, Proc];
  const key = keyOf([A, B], B);
  a.cache.setPeers([A]);
  for (let i = 0; i < 5000; i++) await a.group.remove("another");
  // It is told nothing but the next change itself.
  const release = world.hold(({ from, path }) => from === A && path === "/_groupcache/");
  a.cache.setPeers([A, B]);
  const refusals = refusalsOf(b);
  await world.get(b, key);
  await world.clock.until(a.group.remove(key));
  assertEquals(b.group.peek(key), undefined);
  await world.clock.until(a.group.set(key, "set"));
  assertEquals(b.group.peek(key), "set");
  release();
  assertEquals(refusals, []);
});

test("A stranger cannot have all later changes of a process taken for settled", async () => {
  await using world = new World();
  const [a, b, c] = world.startAll([A, B, C]) as [Proc, Proc, Proc];
  const key = keyOf([A, B, C], C);
  await world.get(c, key);
  await world.clock.until(a.group.remove("another"));
  const answer = await forge(world, B, { body: forged({}) });
  const { changes } = decodeHello(await answer.text());
  const { instance } = a.cache.stats();
  await forge(world, B, {
    body: forged({ settledTime: LAST_TIME, list: changes?.list ?? "" }, { instance, self: A }),
  });
  // A cannot reach the owner; B can.
  world.lose(({ from, to }) => from === A && to === C, Infinity);
  world.write(key);
  await assertRejects(() => world.clock.until(a.group.remove(key)));
  for (const process of [b, c]) assertEquals(await world.get(process, key), world.valueOf(key));
});

type Proc = ReturnType<World["start"]>;
