import { assertEquals } from "@std/assert";
import { SmallBodies } from "../../../lib/http/server/small_bodies.ts";
import { VirtualClock } from "../../../lib/testing/mod.ts";
import { codeOf } from "../../failures.ts";
import { test } from "../../runtime.ts";

/** A request whose body comes when the test says so. */
function slowRequest(bytes: Uint8Array<ArrayBuffer>) {
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<ArrayBuffer>();
  let isRead = false;
  const request = {
    arrayBuffer: () => {
      isRead = true;
      return arrived;
    },
  } as Request;
  return { request, arrive: () => arrive(bytes.buffer), isRead: () => isRead };
}

test("SmallBodies refuses a body that takes longer than 10 s and its bytes, with one timer for all", async () => {
  const clock = new VirtualClock();
  const bodies = new SmallBodies(4 << 20, clock);
  const codes: string[] = [];
  for (let i = 0; i < 100; i++) {
    codeOf(bodies.read(slowRequest(new Uint8Array(16_000)).request, 16_000))
      .then((code) => codes.push(code));
    await clock.advance(1);
  }
  assertEquals(clock.pendingTimers, 1);
  await clock.advance(10_899);
  assertEquals(codes, []);
  await clock.advance(200);
  assertEquals(codes.length, 100);
  assertEquals(new Set(codes), new Set(["overloaded"]));
  bodies.close();
  await clock.advance(60_000);
  assertEquals(clock.pendingTimers, 0);
});

test("SmallBodies begins no body without room, and gives room back whatever becomes of one", async () => {
  const clock = new VirtualClock();
  const bodies = new SmallBodies(8192, clock);
  const requests = Array.from({ length: 4 }, () => slowRequest(new Uint8Array(3)));
  const reads = requests.map(({ request }) => bodies.read(request, 3));
  const begun = () => requests.filter(({ isRead }) => isRead()).length;
  await clock.advance(0);
  assertEquals(begun(), 2, "each counts as 4 KiB at least");
  requests[0]?.arrive();
  assertEquals((await reads[0])?.byteLength, 3);
  await clock.advance(0);
  assertEquals(begun(), 3);
  const codes = Promise.all(reads.slice(1).map((read) => codeOf(read)));
  await clock.advance(30_000);
  assertEquals(await codes, ["overloaded", "overloaded", "overloaded"]);
  const last = slowRequest(Uint8Array.of(7));
  last.arrive();
  assertEquals(await bodies.read(last.request, 1), Uint8Array.of(7));
  bodies.close();
});
