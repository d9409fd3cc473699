import { assert, assertEquals } from "@std/assert";
import type { VirtualClock } from "../../../lib/testing/mod.ts";
import { encodeGetResponse } from "../../../lib/wire/get_response.ts";
import { test } from "../../runtime.ts";
import { OURS, Setup } from "./setup.ts";

/** A reply that shows life for ever and brings nothing. */
function drip(clock: VirtualClock): Response {
  let timer: unknown;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      const write = () => {
        controller.enqueue(encodeGetResponse({ pending: true }));
        timer = clock.setTimeout(write, 250);
      };
      write();
    },
    cancel: () => clock.clearTimeout(timer),
  });
  return new Response(body, { headers: OURS });
}

test("HttpPeer does not wait forever for a peer that keeps saying that it loads", async () => {
  const setup: Setup = new Setup(() => drip(setup.clock));
  const startMs = setup.clock.now();
  const error = await setup.failure(setup.get("key", { loadTimeoutMs: 1000 }));
  assertEquals(error.code, "peer-failed");
  const tookMs = setup.clock.now() - startMs;
  assert(tookMs >= 13_000 && tookMs < 14_000, `${tookMs} ms`);
});
