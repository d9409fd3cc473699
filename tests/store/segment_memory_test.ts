import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Segment } from "../../lib/store/segment.ts";
import { SegmentMemory } from "../../lib/store/segment_memory.ts";
import { test } from "../runtime.ts";

const STANDARD_WORDS = 1024;

test("SegmentMemory uses a buffer that nobody saw for the next segment of the same size", () => {
  const memory = new SegmentMemory(STANDARD_WORDS);
  const first = memory.allocate(100) as Segment;
  memory.release(first);
  assertEquals(memory.spareBytes, 400);
  assert(memory.allocate(102)?.buffer !== first.buffer);
  assert(memory.allocate(100)?.buffer === first.buffer);
  assertEquals(memory.spareBytes, 0);
});

test("SegmentMemory never uses a buffer again that a view may point into", () => {
  const choices = fc.array(fc.tuple(fc.nat(9), fc.constantFrom(50, 100, 1024), fc.boolean()));
  fc.assert(
    fc.property(choices, (steps) => {
      const memory = new SegmentMemory(STANDARD_WORDS);
      const held: Segment[] = [];
      const seen = new Set<ArrayBuffer>();
      for (const [pick, words, isExposed] of steps) {
        const segment = memory.allocate(words) as Segment;
        assert(!seen.has(segment.buffer));
        assertEquals(segment.buffer.byteLength, 4 * words);
        segment.isExposed = isExposed;
        if (isExposed) {
          memory.exposedBytes += segment.buffer.byteLength;
          seen.add(segment.buffer);
        }
        held.push(segment);
        if (held.length > pick) memory.release(held.splice(pick, 1)[0] as Segment);
        assertEquals(new Set(held.map(({ buffer }) => buffer)).size, held.length);
        assert(memory.spareBytes <= 4 * STANDARD_WORDS);
      }
      for (const buffer of seen) assert(!buffer.detached);
    }),
  );
});

test("SegmentMemory frees at once what it does not keep ready", () => {
  const memory = new SegmentMemory(STANDARD_WORDS);
  const segments = Array.from({ length: 3 }, () => memory.allocate(500) as Segment);
  for (const segment of segments) memory.release(segment);
  assertEquals(segments.map(({ buffer }) => buffer.detached), [true, false, false]);
  memory.dropSpares();
  assertEquals(segments.map(({ buffer }) => buffer.detached), [true, true, true]);
  assertEquals(memory.spareBytes, 0);
});
