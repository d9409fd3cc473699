import { SegmentStore } from "../../lib/store/segment_store.ts";
import { testStore } from "./store_conformance.ts";

testStore("SegmentStore", (maxBytes) => new SegmentStore({ maxBytes }));
testStore(
  "SegmentStore with a hash that always collides",
  (maxBytes) => new SegmentStore({ maxBytes, hash: () => 42 }),
);
