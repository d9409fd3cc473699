import { assert, assertEquals } from "@std/assert";
import { ByteView } from "../../../lib/byte_view.ts";
import { encodeGetResponse } from "../../../lib/wire/get_response.ts";
import { test } from "../../runtime.ts";
import {
  cut,
  never,
  NOW_MS,
  OURS,
  Setup,
  SILENT,
  SlowBody,
  utf8,
  valueReply,
  WHOLE,
} from "./setup.ts";

for (const { name, call } of SILENT) {
  test(`HttpPeer.${name}() gives a peer up that is silent, even if fetch ignores that`, async () => {
    const setup = new Setup(never);
    const error = await setup.failure(call(setup));
    assertEquals(error.code, "peer-failed");
    assert(error.message.includes("no sign of life for 3000 ms"));
    assertEquals(setup.clock.now(), NOW_MS + 3000);
    assertEquals(setup.sent.length, 1);
    assert(setup.sent[0]?.signal?.aborted);
  });
}

test("HttpPeer.get() gives a peer up that falls silent after a sign of life", async () => {
  const body = new SlowBody();
  const setup = new Setup(() => new Response(body.stream, { headers: OURS }));
  body.write(encodeGetResponse({ pending: true }));
  const error = await setup.failure();
  assert(error.message.includes("no sign of life for 3000 ms"));
  assertEquals(setup.clock.now(), NOW_MS + 3000);
  assert(body.isCancelled);
});

test("HttpPeer.get() lets signs of life be further apart than an impatient limit", async () => {
  const body = new SlowBody();
  const setup = new Setup(() => new Response(body.stream, { headers: OURS }), {
    peerTimeoutMs: 200,
  });
  const call = setup.get();
  await setup.clock.advance(999);
  body.write(encodeGetResponse({ value: utf8("hello") }));
  body.end();
  assertEquals((await call).view.text(), "hello");
});

test("HttpPeer.get() waits for hours for a peer that shows life", async () => {
  const body = new SlowBody();
  const setup = new Setup(() => new Response(body.stream, { headers: OURS }));
  const call = setup.get();
  for (let hour = 0; hour < 5; hour++) {
    await setup.clock.advance(999);
    body.write(encodeGetResponse({ pending: true }));
  }
  body.write(encodeGetResponse({ value: utf8("hello") }));
  body.end();
  assertEquals((await call).view.text(), "hello");
  assertEquals(setup.clock.pendingTimers, 0);
});

test("HttpPeer.get() lets a large body take its time", async () => {
  const bytes = encodeGetResponse({ value: new Uint8Array(2 << 20).fill(7) });
  const body = new SlowBody();
  const headers = { ...OURS, "content-length": String(bytes.byteLength) };
  const setup = new Setup(() => new Response(body.stream, { headers }));
  const call = setup.get();
  for (let start = 0; start < bytes.byteLength; start += 1 << 19) {
    body.write(bytes.slice(start, start + (1 << 19)));
    await setup.clock.advance(900);
  }
  body.end();
  assertEquals((await call).view.size, 2 << 20);
});

for (const length of ["5", "0", "-1", "many", "6e7"]) {
  test(`HttpPeer.get() reads the body whole, whatever a content-length of ${length} says`, async () => {
    const headers = { ...OURS, "content-length": length };
    const setup = new Setup(() => new Response(cut(WHOLE), { headers }));
    assertEquals((await setup.get()).view.text(), "hello");
  });
}

test("HttpPeer.get() goes on waiting while the peer answers others, up to the peer timeout", async () => {
  const stuck = Promise.withResolvers<Response>();
  const setup = new Setup(({ url }) =>
    url.endsWith("/stuck") ? stuck.promise : valueReply("hello")
  );
  await setup.get("first");
  const startMs = setup.clock.now();
  const call = setup.get("stuck").catch((error) => error);
  for (let i = 0; i < 9; i++) {
    await setup.clock.advance(1000);
    setup.peer.set("group", "other", { view: new ByteView("v"), expiresAtMs: Infinity }).catch(
      () => {},
    );
  }
  assertEquals(setup.peer.health.isOpen, false);
  const error = await setup.clock.until(call);
  assertEquals(error.code, "peer-failed");
  assertEquals(setup.clock.now() - startMs, 10_000);
});

test("HttpPeer gives up all that wait for a silent peer within one silence", async () => {
  let isSilent = false;
  const setup = new Setup(() => isSilent ? new Promise<Response>(() => {}) : valueReply("hello"));
  for (let i = 0; i < 20; i++) {
    await setup.get(`key ${i}`);
    await setup.clock.advance(5000);
  }
  isSilent = true;
  const startMs = setup.clock.now();
  const waits: Promise<number>[] = [];
  for (let i = 0; i < 9; i++) {
    waits.push(setup.get(`late ${i}`).then(() => 0, () => setup.clock.now() - startMs));
    await setup.clock.advance(100);
  }
  const ends = await setup.clock.until(Promise.all(waits));
  assert(Math.max(...ends) <= 2000, ends.join());
});
