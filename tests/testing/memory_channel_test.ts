import { assertEquals } from "@std/assert";
import { MemoryChannel } from "../../lib/testing/memory_channel.ts";
import { VirtualClock } from "../../lib/testing/virtual_clock.ts";
import { test } from "../runtime.ts";

const DELAYS: { name: string; delayMs: number | undefined }[] = [
  { name: "at once", delayMs: undefined },
  { name: "after a delay", delayMs: 10 },
];

for (const { name, delayMs } of DELAYS) {
  test(`MemoryChannel drops what a client sends ${name} to a server that has left`, async () => {
    const clock = new VirtualClock();
    const requests: number[] = [];
    const channel = new MemoryChannel({
      clock,
      fault: () => delayMs === undefined ? undefined : { delayMs },
      onRequests: (count) => requests.push(count),
    });
    const { readable, writable } = new TransformStream<Uint8Array<ArrayBuffer>>();
    const writer = writable.getWriter();
    const server = channel.up(readable).getReader();
    const empty = Uint8Array.of(0);
    await writer.write(empty);
    await clock.advance(10);
    assertEquals((await server.read()).value, empty);
    await writer.write(empty);
    await server.cancel();
    // Anything thrown here is an unhandled rejection, which fails the test.
    await writer.write(empty);
    await writer.close();
    await clock.advance(10);
    assertEquals(requests, [0, 0, 0]);
  });
}
