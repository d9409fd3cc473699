import { assertEquals } from "@std/assert";
import type { Fetch } from "../../../lib/runtime.ts";
import { test } from "../../runtime.ts";
import { GO, never, NOW_MS, OURS, Setup, valueReply, WHOLE } from "./setup.ts";

test("HttpPeer.get() gives the value and when it expires", async () => {
  const setup = new Setup(() => valueReply("hello", { expiresAtMs: NOW_MS + 5000 }));
  const value = await setup.get();
  assertEquals(value.view.text(), "hello");
  assertEquals(value.expiresAtMs, NOW_MS + 5000);
  assertEquals(setup.clock.pendingTimers, 0);
});

test("HttpPeer.get() counts the time since it asked as part of what a value has left", async () => {
  const setup: Setup = new Setup(async () => {
    await setup.clock.advance(1000);
    return valueReply("hello", { ttlMs: 5000 });
  });
  assertEquals((await setup.get()).expiresAtMs, NOW_MS + 5000);
});

test("HttpPeer.get() of a Go peer gives the value, which never expires without an expiry", async () => {
  const setup = new Setup(() => valueReply("hello", { minuteQps: 0 }, GO));
  const value = await setup.get();
  assertEquals([value.view.text(), value.expiresAtMs], ["hello", Infinity]);
});

test("HttpPeer.get() asks again if another process replies, once that has been told of changes", async () => {
  const told: string[] = [];
  const replies = ["before", "after", "after", "third", "fourth"];
  const setup: Setup = new Setup(
    (_, attempt) => {
      const instance = replies[attempt - 1] as string;
      return valueReply(instance, {}, { ...OURS, "groupcache-from": instance });
    },
    {
      onMet: (peer, instance) => peer.instance = instance,
      catchUp: ({ instance }) => void told.push(`${instance}`),
    },
  );
  assertEquals((await setup.get()).view.text(), "before");
  assertEquals((await setup.get()).view.text(), "after");
  assertEquals((await setup.failure(setup.get())).code, "peer-failed");
  assertEquals(told, ["undefined", "before", "after", "after", "third"]);
});

test("HttpPeer.get() gives an empty value as one that is there", async () => {
  assertEquals((await new Setup(() => valueReply("")).get()).view.size, 0);
});

test("HttpPeer.get() says who asks, and follows no redirect", async () => {
  let init: RequestInit | undefined;
  const fetch: Fetch = (_, given) => {
    init = given;
    return Promise.resolve(valueReply("hello"));
  };
  const setup = new Setup(never, { fetch });
  await setup.get("a/b");
  assertEquals(init?.method, "GET");
  assertEquals(init?.redirect, "manual");
  assertEquals(new Headers(init?.headers).get("groupcache-from"), "me");
});

test("HttpPeer.get() sends the key as a path", async () => {
  const setup = new Setup(() => valueReply("hello"));
  await setup.get("a/b é");
  assertEquals(setup.sent.map(({ method, url }) => `${method} ${url}`), [
    "GET http://peer:8080/_groupcache/group/a%2Fb%20%C3%A9",
  ]);
});

const DEADLINES: { loadTimeoutMs: number | undefined; header: string | null }[] = [
  { loadTimeoutMs: undefined, header: null },
  { loadTimeoutMs: Infinity, header: null },
  { loadTimeoutMs: 30_000, header: "30000" },
  { loadTimeoutMs: 0.5, header: "1" },
];

for (const { loadTimeoutMs, header } of DEADLINES) {
  test(`HttpPeer.get() passes on a deadline of ${loadTimeoutMs} ms as ${header}`, async () => {
    const setup = new Setup(() => valueReply("hello"));
    await setup.get("key", loadTimeoutMs === undefined ? {} : { loadTimeoutMs });
    assertEquals(setup.sent[0]?.headers.get("groupcache-timeout-ms"), header);
  });
}

test("HttpPeer.get() gives views that do not change with the buffers of a fetch", async () => {
  const setup = new Setup(() => valueReply("hello"));
  const { view } = await setup.get();
  view.bytes().fill(0);
  assertEquals(view.text(), "hello");
});

test("HttpPeer.get() knows the media type with parameters that a proxy put behind it", async () => {
  const headers = { ...OURS, "content-type": "application/x-protobuf; charset=utf-8" };
  const setup = new Setup(() => new Response(WHOLE, { headers }));
  assertEquals((await setup.get()).view.text(), "hello");
});
