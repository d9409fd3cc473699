import { assert, assertEquals } from "@std/assert";
import type { HttpPeerOptions } from "../../../lib/http/client/http_peer.ts";
import { checkLimits } from "../../../lib/http/peer_limits.ts";
import {
  encodeGetResponse,
  encodeGetResponses,
  type GetResponse,
} from "../../../lib/wire/get_response.ts";
import { test } from "../../runtime.ts";
import { Endless } from "../endless.ts";
import {
  framed,
  GO,
  HELLO,
  OURS,
  type Sent,
  Setup,
  SlowBody,
  URL,
  utf8,
  VALUE,
  valueReply,
} from "./setup.ts";

const MAX_VALUE_BYTES = 2000;

/** The most that a reply with a value may have. */
const MAX_MESSAGE_BYTES = MAX_VALUE_BYTES + 256 * 1024;

/** A reply that never ends. */
class EndlessReply extends Endless {
  readonly response: Response;

  constructor(status: number, headers: HeadersInit) {
    super();
    this.response = new Response(this.stream, { status, headers });
  }
}

function setUpBounded(
  reply: (request: Sent) => Response,
  options: Partial<HttpPeerOptions> = {},
): Setup {
  return new Setup(reply, { limits: checkLimits({ maxValueBytes: MAX_VALUE_BYTES }), ...options });
}

for (const length of ["1e3", "0x10", " ", "10.0", "+10"]) {
  test(`HttpPeer.get() takes no reply of any size for one of a length of "${length}"`, async () => {
    const reply = new EndlessReply(200, OURS);
    // As a framework may hand it over: the constructor trims blanks.
    const get = reply.response.headers.get.bind(reply.response.headers);
    reply.response.headers.get = (name) => name === "content-length" ? length : get(name);
    const setup = setUpBounded(() => reply.response);
    assertEquals((await setup.failure()).code, "too-large");
    assert(reply.isCancelled);
  });
}

for (const headers of [OURS, GO]) {
  const who = headers === OURS ? "a peer of our kind" : "a Go peer";

  test(`HttpPeer.get() of ${who} takes a value of exactly maxValueBytes, and none that is larger`, async () => {
    const setup = setUpBounded(({ url }) => {
      const size = MAX_VALUE_BYTES + (url.endsWith("large") ? 1 : 0);
      return new Response(encodeGetResponse({ value: new Uint8Array(size) }), { headers });
    });
    assertEquals((await setup.get("fits")).view.size, MAX_VALUE_BYTES);
    const error = await setup.failure(setup.get("large"));
    assertEquals(error.code, "too-large");
    assertEquals(
      error.message,
      `Cannot take the reply of peer ${URL}: limits.maxValueBytes is 2000: ` +
        "received a value of 2001 bytes",
    );
  });

  test(`HttpPeer.get() of ${who} takes nothing of a reply that announces too much`, async () => {
    const reply = new EndlessReply(200, {
      ...headers,
      "content-length": String(MAX_MESSAGE_BYTES + 1),
    });
    const error = await setUpBounded(() => reply.response).failure();
    assertEquals(error.code, "too-large");
    assert(error.message.endsWith(`received ${MAX_MESSAGE_BYTES + 1} bytes`), error.message);
    assertEquals([reply.taken, reply.isCancelled], [0, true]);
  });

  // As when it is compressed: then its length is another one.
  for (const more of [{}, { "content-length": "100", "content-encoding": "gzip" }]) {
    const how = "content-length" in more ? "lies about its length" : "has no length";
    test(`HttpPeer.get() of ${who} takes no more than it may of a reply that ${how}`, async () => {
      const reply = new EndlessReply(200, { ...headers, ...more });
      const error = await setUpBounded(() => reply.response).failure();
      assertEquals(error.code, "too-large");
      assert(error.message.endsWith(`received ${reply.taken} bytes and no end`), error.message);
      assert(reply.taken <= MAX_MESSAGE_BYTES + 65_536);
      assert(reply.isCancelled);
    });
  }
}

test("HttpPeer goes on asking a peer whose values are too large", async () => {
  const setup = setUpBounded(() => new EndlessReply(200, OURS).response);
  for (let i = 0; i < 40; i++) assertEquals((await setup.failure()).code, "too-large");
  assertEquals(setup.peer.health.isOpen, false);
});

test("HttpPeer.get() of many keys fails for the one that is too large, and no other", async () => {
  const messages: GetResponse[] = [
    { index: 0, value: utf8("first") },
    { index: 1, value: new Uint8Array(10 * MAX_MESSAGE_BYTES), minuteQps: 3 },
    { index: 2, value: new Uint8Array(MAX_VALUE_BYTES + 1) },
    { index: 3, value: new Uint8Array(MAX_VALUE_BYTES) },
  ];
  const setup = setUpBounded(({ method }) => method === "GET" ? valueReply("") : framed(messages));
  await setup.get();
  const calls = ["a", "b", "c", "d"].map((key) => setup.get(key));
  const outcomes = await Promise.all(
    calls.map((call) => call.then(({ view }) => view.size, ({ code }) => code)),
  );
  assertEquals(outcomes, [5, "too-large", "too-large", MAX_VALUE_BYTES]);
  assertEquals(setup.calls.length, 2, "nothing is asked for again");
});

test("HttpPeer.get() of many keys takes nothing of a value of 4 GiB, not even when it is the last", async () => {
  const body = new SlowBody();
  const setup = setUpBounded(({ method }) =>
    method === "GET" ? valueReply("") : new Response(body.stream, { headers: OURS })
  );
  await setup.get();
  const first = setup.get("a");
  const last = setup.get("b");
  body.write(encodeGetResponses([{ index: 0, value: utf8("first") }]));
  const length = Uint8Array.of(128, 128, 128, 128, 16);
  const message = encodeGetResponse({ index: 1, value: new Uint8Array(100) });
  body.write(new Uint8Array([...length, ...message]));
  assertEquals((await first).view.text(), "first");
  const error = await setup.failure(last);
  assertEquals(error.code, "too-large");
  assert(error.message.endsWith("received 4294967296 bytes"), error.message);
  await setup.clock.advance(0);
  assert(body.isCancelled);
});

test("HttpPeer.get() treats a message that is too large and names no key as a failure", async () => {
  const value = new Uint8Array(MAX_MESSAGE_BYTES);
  const setup = setUpBounded(({ method }) =>
    method === "GET" ? valueReply("") : framed([{ value }])
  );
  await setup.get();
  const calls = [setup.get("a"), setup.get("b")];
  const codes = await Promise.all(calls.map((call) => call.catch(({ code }) => code)));
  assertEquals(codes, ["peer-failed", "peer-failed"]);
});

const ENDLESS: { name: string; status: number; call: (setup: Setup) => Promise<unknown> }[] = [
  { name: "error", status: 500, call: (setup) => setup.get() },
  { name: "refusal", status: 500, call: ({ peer }) => peer.set("group", "key", VALUE) },
  { name: "hello", status: 200, call: ({ peer }) => peer.hello(HELLO) },
];

for (const { name, status, call } of ENDLESS) {
  test(`HttpPeer reads no more than the beginning of an endless ${name}`, async () => {
    const reply = new EndlessReply(status, { "groupcache-version": "1" });
    const setup = setUpBounded(() => reply.response);
    assertEquals((await setup.failure(call(setup))).code, "peer-failed");
    assert(reply.taken <= 1 << 20, `${reply.taken}`);
    assert(reply.isCancelled);
  });
}

/** A body in chunks of these sizes, the last of them again and again. */
function cut(bytes: Uint8Array<ArrayBuffer>, sizes: readonly number[]): ReadableStream {
  let start = 0;
  let index = 0;
  return new ReadableStream({
    pull(controller): void {
      const size = sizes[Math.min(index++, sizes.length - 1)] as number;
      controller.enqueue(bytes.slice(start, start + size));
      start += size;
      if (start >= bytes.byteLength) controller.close();
    },
  }, { highWaterMark: 0 });
}

test("HttpPeer.get() takes a large value whole, however its reply is cut", async () => {
  const value = Uint8Array.from({ length: 300_000 }, (_, index) => index * 7);
  const message = encodeGetResponse({ minuteQps: 1, ttlMs: 5000, value });
  for (const sizes of [[1], [5, 100_000], [14, 1, 70_000], [65_536], [message.byteLength]]) {
    if (sizes[0] === 1) sizes.push(9, 1, 4, 30_000);
    const setup = new Setup(() => new Response(cut(message, sizes), { headers: OURS }));
    const { view } = await setup.get();
    assert(view.equals(value), `${sizes}`);
  }
});

test("HttpPeer.get() refuses a reply without a length as soon as its value announces too much", async () => {
  const head = encodeGetResponse({ minuteQps: 1, value: new Uint8Array(MAX_MESSAGE_BYTES) });
  const body = new SlowBody();
  const setup = setUpBounded(() => new Response(body.stream, { headers: OURS }));
  body.write(head.slice(0, 100));
  const error = await setup.failure();
  assertEquals(error.code, "too-large");
  assert(error.message.endsWith(`received ${head.byteLength} bytes`), error.message);
  assert(body.isCancelled);
});

for (const [name, announced, sent] of [["less", 1000, 300_000], ["more", 300_000, 1000]] as const) {
  test(`HttpPeer.get() gives no value of a reply that announces ${name} than it sends`, async () => {
    const whole = encodeGetResponse({ minuteQps: 1, value: new Uint8Array(announced).fill(255) });
    const bytes = new Uint8Array(sent).fill(255);
    bytes.set(whole.subarray(0, Math.min(sent, announced)));
    const setup = new Setup(() => new Response(cut(bytes, [500, 65_536]), { headers: OURS }));
    const error = await setup.failure();
    assertEquals(error.code, "peer-failed");
    assert(error.message.includes("Cannot read protobuf"), error.message);
  });
}
