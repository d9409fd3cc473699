import { assertEquals } from "@std/assert";
import { RequestSemaphore } from "../../../lib/http/client/request_semaphore.ts";
import { test } from "../../runtime.ts";
import { cutBody, html, never, OURS, Setup, valueReply, WHOLE } from "./setup.ts";

test("HttpPeer does not send a GET again: runtimes do that", async () => {
  const setup = new Setup(() => Promise.reject(new TypeError("ECONNRESET")));
  await setup.failure();
  assertEquals(setup.sent.length, 1);
});

test("HttpPeer makes room for the next request, however one ends", async () => {
  const caller = new AbortController();
  const replies: (() => Response | Promise<Response>)[] = [
    () => Promise.reject(new TypeError("connection refused")),
    () => html(200),
    () => html(502),
    () => new Response(cutBody(WHOLE), { headers: OURS }),
    never,
    () => {
      caller.abort();
      return never();
    },
    () => valueReply("hello"),
  ];
  const setup = new Setup((_, attempt) => replies[attempt - 1]?.() ?? never(), {
    semaphore: new RequestSemaphore(1),
  });
  for (let attempt = 1; attempt <= 5; attempt++) await setup.failure();
  const left = await setup.get("key", { signal: caller.signal }).catch((error) => error);
  assertEquals(left.name, "AbortError");
  assertEquals((await setup.clock.until(setup.get())).view.text(), "hello");
});
