import { assert, assertEquals } from "@std/assert";
import { SegmentStore } from "../../lib/store/segment_store.ts";
import { test } from "../runtime.ts";
import { testStore } from "./store_conformance.ts";

testStore("SegmentStore", (maxBytes) => new SegmentStore({ maxBytes }));
testStore(
  "SegmentStore with a hash that always collides",
  (maxBytes) => new SegmentStore({ maxBytes, hash: () => 42 }),
);

test("SegmentStore.set() keeps what was used elsewhere rather than what was not", () => {
  const store = new SegmentStore({ maxBytes: 1 << 20 });
  const value = new Uint8Array(1000);
  for (let i = 0; i < 100; i++) store.set(`proven ${i}`, value, Infinity, 1);
  for (let i = 0; i < 100; i++) store.set(`unproven ${i}`, value, Infinity);
  for (let i = 0; i < 3000; i++) store.set(`new ${i}`, value, Infinity);
  const held = (kind: string) =>
    Array.from({ length: 100 }, (_, i) => store.peek(`${kind} ${i}`, 0)).filter((at) => at >= 0);
  assert(held("proven").length > 90, `${held("proven").length} of 100`);
  assertEquals(held("unproven").length, 0);
});
