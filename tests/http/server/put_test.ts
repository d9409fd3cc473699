import { assert, assertEquals } from "@std/assert";
import { encodeSetRequest } from "../../../lib/wire/set_request.ts";
import { test } from "../../runtime.ts";
import {
  assertDone,
  assertFailure,
  bound,
  MAX_VALUE_BYTES,
  NOW_MS,
  setRequest,
  Setup,
} from "./setup.ts";

test("PUT puts the value under the key of the body, whatever the path says", async () => {
  const { group, send } = bound(new Setup());
  const body = setRequest("..", "hello", NOW_MS + 5000);
  await assertDone(await send("/_groupcache/group/-", { method: "PUT", body }));
  assertEquals([...group.values.keys()], [".."]);
  assertEquals(group.values.get("..")?.view.text(), "hello");
  assertEquals(group.values.get("..")?.expiresAtMs, NOW_MS + 5000);
});

test("PUT without an expiry stores a value that never expires", async () => {
  const { group, send } = bound(new Setup());
  await send("/_groupcache/group/key", { method: "PUT", body: setRequest("key", "hello") });
  assertEquals(group.values.get("key")?.expiresAtMs, Infinity);
});

test("PUT counts the time that its body takes as part of what the value has left", async () => {
  const setup = new Setup();
  const { clock, group } = setup;
  const value = new TextEncoder().encode("hello");
  const expiresAtMs = NOW_MS + 5000;
  const bytes = encodeSetRequest({ group: "group", key: "key", value, expiresAtMs, ttlMs: 5000 });
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller): Promise<void> {
      await clock.advance(3000);
      controller.enqueue(bytes);
      controller.close();
    },
  }, { highWaterMark: 0 });
  const request = { method: "PUT", body, duplex: "half" } as const;
  await assertDone(await setup.send("/_groupcache/group/key", request));
  assertEquals(clock.now(), NOW_MS + 3000);
  assertEquals(group.values.get("key")?.expiresAtMs, NOW_MS + 5000);
});

test("PUT stores in the group of the path", async () => {
  const { group, send } = bound(new Setup());
  const body = encodeSetRequest({
    group: "other",
    key: "key",
    value: new Uint8Array(),
    expiresAtMs: Infinity,
  });
  await assertDone(await send("/_groupcache/group/key", { method: "PUT", body }));
  assert(group.values.has("key"));
});

test("PUT takes a value of exactly maxValueBytes, in pieces too", async () => {
  for (const isWhole of [true, false]) {
    const setup = new Setup();
    const bytes = encodeSetRequest({
      group: "group",
      key: "key",
      value: new Uint8Array(MAX_VALUE_BYTES),
      expiresAtMs: Infinity,
    });
    const pieces = [bytes.slice(0, 7), bytes.slice(7, 600), bytes.slice(600)];
    const body = isWhole ? bytes : new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull(controller): void {
        const piece = pieces.shift();
        if (piece === undefined) controller.close();
        else controller.enqueue(piece);
      },
    });
    const request = { method: "PUT", body, duplex: "half" } as const;
    assertEquals((await setup.send("/_groupcache/group/key", request)).status, 200);
    assertEquals(setup.group.values.get("key")?.view.size, MAX_VALUE_BYTES);
  }
});

test("PUT refuses a value that is one byte too large", async () => {
  const setup = new Setup();
  const body = setRequest("key", "x".repeat(MAX_VALUE_BYTES + 1));
  const response = await setup.send("/_groupcache/group/key", { method: "PUT", body });
  assertFailure(response, 413, "too-large");
  assertEquals(
    await response.text(),
    'Cannot take the value of "key": limits.maxValueBytes is 1000: received 1001 bytes',
  );
  assertEquals(setup.group.values.size, 0);
});

test("PUT is refused where a later change is known, and says of what time", async () => {
  const outcomes = { yes: 200, no: 200, stale: 409 } as const;
  for (const outcome of ["yes", "no", "stale"] as const) {
    const setup = new Setup({ changes: { time: 42, receiveValue: () => outcome } });
    const response = await setup.send("/_groupcache/group/key", {
      method: "PUT",
      headers: { "groupcache-change": "7 origin list 6" },
      body: setRequest("key", "value"),
    });
    assertEquals(response.status, outcomes[outcome]);
    assertEquals(response.headers.get("groupcache-time"), outcome === "stale" ? "42" : null);
    assertEquals(setup.group.values.has("key"), outcome === "yes");
    await response.text();
  }
});

test("PUT without a mark stores nothing if its sender gives up while its body is read", async () => {
  const setup = new Setup();
  const sender = new AbortController();
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller): void {
      sender.abort();
      controller.enqueue(setRequest("key", "value"));
      controller.close();
    },
  });
  const request = new Request("http://peer:8080/_groupcache/group/key", {
    method: "PUT",
    body,
    signal: sender.signal,
    ...{ duplex: "half" },
  });
  const response = await setup.handler.handle(request, undefined);
  assert(response?.status !== 200);
  assertEquals(setup.group.values.size, 0);
});
