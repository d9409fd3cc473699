import { assert, assertEquals } from "@std/assert";
import { viewOf } from "../../../lib/byte_view.ts";
import { GroupCacheError } from "../../../lib/errors.ts";
import { FrameDecoder } from "../../../lib/wire/frames.ts";
import { encodeGetKeysRequest } from "../../../lib/wire/get_keys_request.ts";
import { decodeGetResponse, type GetResponse } from "../../../lib/wire/get_response.ts";
import { utf8 } from "../../../lib/wire/writer.ts";
import { test } from "../../runtime.ts";
import {
  assertHeaders,
  framesOf,
  LONG,
  MAX_VALUE_BYTES,
  NOW_MS,
  OURS,
  RATE,
  read,
  Setup,
  textOf,
  valueOf,
  valueOfSize,
} from "./setup.ts";

function getKeys(setup: Setup, keys: string[], headers = {}): Promise<Response> {
  return setup.send("/_groupcache/group/_get-keys/", {
    method: "POST",
    headers: { ...OURS, ...headers },
    body: encodeGetKeysRequest(keys),
  });
}

test("POST _get-keys gives what is in memory first, and loads as they become ready", async () => {
  const setup = new Setup();
  setup.group.values.set("hit", valueOf("in memory", NOW_MS + 5000));
  setup.group.values.set("too", valueOf("also"));
  const response = await getKeys(setup, ["slow", "hit", "quick", "too"]);
  assertEquals(response.status, 200);
  assertHeaders(response);
  assertEquals(setup.group.loads.map(({ key }) => key), ["slow", "quick"]);
  setup.load(1).resolve(valueOf("loaded"));
  await setup.clock.advance(0);
  setup.load(0).resolve(valueOf("loaded later"));
  const messages = await framesOf(response);
  assertEquals(messages.map((message) => [message.index, textOf(message)]), [
    [1, "in memory"],
    [3, "also"],
    [2, "loaded"],
    [0, "loaded later"],
  ]);
  assertEquals(messages[0]?.expiresAtMs, NOW_MS + 5000);
  assertEquals(messages.map(({ minuteQps }) => minuteQps), [RATE, RATE, RATE, RATE]);
  assertEquals(setup.group.counted, ["slow", "hit", "quick", "too"]);
  assertEquals(setup.clock.pendingTimers, 0);
});

test("POST _get-keys copies what is in memory before a load may change that", async () => {
  const setup = new Setup();
  const bytes = utf8("before");
  setup.group.values.set("a", { view: viewOf(bytes), expiresAtMs: Infinity });
  setup.group.onLoad = () => bytes.fill(0);
  const response = await getKeys(setup, ["missing", "a"]);
  const reader = response.body?.getReader();
  const { value } = await reader?.read() ?? {};
  const [message] = new FrameDecoder().push(value as Uint8Array<ArrayBuffer>);
  assertEquals(decodeGetResponse(message as Uint8Array<ArrayBuffer>).value, utf8("before"));
  await reader?.cancel();
});

test("POST _get-keys is answered at once, with what is in memory or a sign of life", async () => {
  for (const keys of [["hit", "slow"], ["slow"]]) {
    const setup = new Setup();
    setup.group.values.set("hit", valueOf("in memory"));
    const reader = read(await getKeys(setup, keys));
    const { value: chunk } = await reader.next();
    const [message] = new FrameDecoder().push(chunk ?? new Uint8Array()).map(decodeGetResponse);
    if (keys.includes("hit")) assertEquals(message?.index, 0);
    else assertEquals(message, { pending: true });
    await reader.return(undefined);
    assert(setup.load().signal.aborted);
  }
});

test("POST _get-keys of what is all in memory needs no timer", async () => {
  const setup = new Setup();
  setup.group.values.set("a", valueOf("1"));
  const response = await getKeys(setup, ["a", "a", ""]);
  assertEquals(setup.clock.pendingTimers, 0);
  assertEquals((await framesOf(response)).map(({ index, error }) => [index, error]), [
    [0, undefined],
    [1, undefined],
    [2, "bad-key"],
  ]);
});

test("POST _get-keys tells of each key why there is no value", async () => {
  const setup = new Setup();
  const response = await getKeys(setup, ["a", "", "b", LONG, "a"]);
  setup.load(0).reject(new GroupCacheError("not-found", "no a"));
  setup.load(1).reject(new Error("no b"));
  const messages = (await framesOf(response))
    .filter(({ pending }) => !pending)
    .sort((a, b) => (a.index ?? 0) - (b.index ?? 0));
  assertEquals(messages.map(({ index, error }) => [index, error]), [
    [0, "not-found"],
    [1, "bad-key"],
    [2, "load-failed"],
    [3, "bad-key"],
    [4, "not-found"],
  ]);
  // A key that is there twice is loaded once.
  assertEquals(setup.group.loads.map(({ key }) => key), ["a", "b"]);
  assertEquals(messages[2]?.message, "no b");
});

test("POST _get-keys that names its keys over and over is refused before any is looked at", async () => {
  const setup = new Setup();
  const distinct = Array.from({ length: 10 }, (_, index) => `key ${index}`);
  const repeated = Array.from({ length: 16 }, () => distinct).flat();
  const response = await getKeys(setup, [...repeated, "key 0"]);
  assertEquals(response.status, 400);
  assertEquals(
    await response.text(),
    "expected each key once: received 161 keys, 10 of them different",
  );
  assertEquals(setup.group.loads, []);
  // As often as a peer does at most.
  const allowed = await getKeys(setup, repeated);
  assertEquals(allowed.status, 200);
  assertEquals(setup.group.loads.length, 10);
  await allowed.body?.cancel();
});

test("POST _get-keys of no keys is an empty reply", async () => {
  const setup = new Setup();
  assertEquals(await framesOf(await getKeys(setup, [])), []);
  assertEquals(setup.clock.pendingTimers, 0);
});

test("POST _get-keys shows life four times a second", async () => {
  const setup = new Setup();
  const response = await getKeys(setup, ["slow"]);
  const frames = framesOf(response);
  await setup.clock.advance(625);
  setup.load().resolve(valueOf("hello"));
  assertEquals((await frames).map((message) => textOf(message) ?? message), [
    { pending: true },
    { pending: true },
    { pending: true },
    "hello",
  ]);
});

test("POST _get-keys ends all waits of a reader who goes", async () => {
  const setup = new Setup();
  const response = await getKeys(setup, ["a", "b"], { "groupcache-timeout-ms": "30000" });
  await response.body?.cancel();
  assert(setup.load(0).signal.aborted);
  assert(setup.load(1).signal.aborted);
  await setup.clock.advance(0);
  assertEquals(setup.clock.pendingTimers, 0);
});

test("POST _get-keys waits for no key longer than the deadline", async () => {
  const setup = new Setup();
  const response = await getKeys(setup, ["a", "b"], { "groupcache-timeout-ms": "500" });
  setup.load(0).resolve(valueOf("hello"));
  await setup.clock.advance(500);
  const messages = (await framesOf(response)).filter(({ pending }) => !pending);
  assertEquals(messages.map(({ index, error }) => [index, error]), [[0, undefined], [
    1,
    "timeout",
  ]]);
  assertEquals(setup.clock.pendingTimers, 0);
});

/** 5 MB of values, which is more than a reply holds before its reader has taken any. */
function setUpLarge(): { setup: Setup; keys: string[] } {
  const setup = new Setup();
  const keys = Array.from({ length: 5000 }, (_, i) => `key ${i}`);
  for (const key of keys) setup.group.values.set(key, valueOf(key.padEnd(MAX_VALUE_BYTES)));
  return { setup, keys };
}

test("POST _get-keys copies 4 MiB of values ahead of its reader, and then value by value", async () => {
  const { setup, keys } = setUpLarge();
  const reader = read(await getKeys(setup, keys));
  const first = await reader.next();
  assert(first.value !== undefined && first.value.byteLength < 4.2 * 2 ** 20);
  const frames = new FrameDecoder();
  const messages = frames.push(first.value).map(decodeGetResponse);
  assert(messages.length < 4200, `expected fewer than 4,200 values: received ${messages.length}`);
  // What has changed meanwhile is sent as it is now.
  setup.group.values.set("key 4990", valueOf("changed"));
  setup.group.values.set("key 4991", valueOf("x".repeat(MAX_VALUE_BYTES + 1)));
  setup.group.values.delete("key 4992");
  const unread = messages.length;
  for await (const chunk of reader) {
    messages.push(...frames.push(chunk).map(decodeGetResponse));
    setup.group.loads[0]?.resolve(valueOf("loaded"));
  }
  assertEquals(setup.group.loads.map(({ key }) => key), ["key 4992"]);
  const answers = messages.filter(({ pending }) => !pending);
  assertEquals(new Set(answers.map(({ index }) => index)).size, 5000);
  assertEquals(answers.length, 5000);
  const textAt = (index: number) => {
    const message = answers.find((answer) => answer.index === index) as GetResponse;
    return textOf(message)?.trim() ?? message.error;
  };
  assertEquals(textAt(unread), `key ${unread}`);
  assertEquals([4990, 4991, 4992].map(textAt), ["changed", "too-large", "loaded"]);
  assertEquals(setup.clock.pendingTimers, 0);
});

test("POST _get-keys with a peek loads nothing that has gone since it was found", async () => {
  const { setup, keys } = setUpLarge();
  const reader = read(await getKeys(setup, keys, { "groupcache-peek": "1" }));
  const frames = new FrameDecoder();
  const messages: GetResponse[] = [];
  for await (const chunk of reader) {
    setup.group.values.delete("key 4999");
    messages.push(...frames.push(chunk).map(decodeGetResponse));
  }
  assertEquals(messages.find(({ index }) => index === 4999)?.error, "not-found");
  assertEquals(setup.group.loads, []);
});

test("POST _get-keys copies nothing more for a reader who has gone", async () => {
  const { setup, keys } = setUpLarge();
  const response = await getKeys(setup, keys);
  let looks = 0;
  setup.group.find = () => void looks++;
  await response.body?.cancel();
  await setup.clock.advance(0);
  assertEquals(looks, 0);
  assertEquals(setup.clock.pendingTimers, 0);
});

test("A peek at several keys gives those that are in memory, and not-found for the rest", async () => {
  const setup = new Setup();
  setup.group.values.set("held", valueOf("hello"));
  const response = await getKeys(setup, ["missing", "held"], { "groupcache-peek": "1" });
  const frames = await framesOf(response);
  assertEquals(frames.map((frame) => [frame.index, frame.error ?? textOf(frame)]), [
    [0, "not-found"],
    [1, "hello"],
  ]);
  assertEquals(setup.group.loads, []);
});

test("POST _get-keys gives all values but those that are too large", async () => {
  const setup = new Setup();
  setup.group.values.set("a", valueOfSize(MAX_VALUE_BYTES));
  setup.group.values.set("b", valueOfSize(MAX_VALUE_BYTES + 1));
  const response = await getKeys(setup, ["a", "b", "c", "d"]);
  setup.load(0).resolve(valueOfSize(MAX_VALUE_BYTES + 1));
  setup.load(1).resolve(valueOfSize(MAX_VALUE_BYTES));
  const messages = (await framesOf(response)).filter(({ pending }) => !pending);
  const outcomes = messages.map(({ index, error, value }) => [index, error ?? value?.byteLength]);
  assertEquals(outcomes.sort(), [
    [0, MAX_VALUE_BYTES],
    [1, "too-large"],
    [2, "too-large"],
    [3, MAX_VALUE_BYTES],
  ]);
});
