import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { encodeGetResponse } from "../../../lib/wire/get_response.ts";
import { test } from "../../runtime.ts";
import { never, OURS, Setup, SILENT, SlowBody, valueReply } from "./setup.ts";

for (const { name, call } of SILENT) {
  test(`HttpPeer.${name}() sends nothing for a caller who has left`, async () => {
    const setup = new Setup(() => valueReply("hello"));
    const reason = new Error("I have to go");
    const { peer } = setup;
    const leaving = new Proxy(peer, {
      get: (_, method: "get" | "set" | "remove") => (...args: unknown[]) =>
        (peer[method] as (...args: unknown[]) => unknown)(...args, {
          signal: AbortSignal.abort(reason),
        }),
    });
    const error = await call({ peer: leaving } as Setup).catch((error) => error);
    assertStrictEquals(error, reason);
    assertEquals(setup.sent, []);
  });
}

test("HttpPeer.get() ends at once when the caller leaves, even if fetch ignores that", async () => {
  const setup = new Setup(never);
  const caller = new AbortController();
  const call = setup.get("key", { signal: caller.signal }).catch((error) => error);
  await setup.clock.advance(2000);
  const reason = new Error("I have to go");
  caller.abort(reason);
  assertStrictEquals(await call, reason);
  await setup.clock.advance(0);
  assert(setup.sent[0]?.signal?.aborted);
  assertEquals(setup.clock.pendingTimers, 0);
});

test("HttpPeer.get() ends at once when the caller leaves in the middle of a reply", async () => {
  const body = new SlowBody();
  const setup = new Setup(() => new Response(body.stream, { headers: OURS }));
  body.write(encodeGetResponse({ pending: true }));
  const caller = new AbortController();
  const call = setup.get("key", { signal: caller.signal }).catch((error) => error);
  await setup.clock.advance(500);
  caller.abort();
  assertEquals((await call).name, "AbortError");
  await setup.clock.advance(0);
  assert(body.isCancelled);
  assertEquals(setup.clock.pendingTimers, 0);
});

test("HttpPeer.get() of one caller goes on when another leaves", async () => {
  const reply = Promise.withResolvers<Response>();
  const setup = new Setup((_, attempt) => attempt === 1 ? never() : reply.promise);
  const caller = new AbortController();
  const gone = setup.get("a", { signal: caller.signal }).catch((error) => error);
  const stays = setup.get("b");
  await setup.clock.advance(0);
  caller.abort(new Error("I have to go"));
  assertEquals((await gone).message, "I have to go");
  reply.resolve(valueReply("hello"));
  assertEquals((await stays).view.text(), "hello");
});
