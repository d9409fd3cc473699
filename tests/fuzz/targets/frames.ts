import { assert, assertEquals } from "@std/assert";
import { FrameDecoder } from "../../../lib/wire/frames.ts";
import { encodeGetResponses } from "../../../lib/wire/get_response.ts";
import { cut, mutateBytes } from "../mutate.ts";
import { expectOnly, type FuzzTarget } from "../target.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const STREAM = encodeGetResponses([
  { pending: true },
  { index: 1, value: new Uint8Array(130).fill(7), minuteQps: 3 },
  { index: 0, error: "not-found", message: "there is none" },
  { pending: true },
  { index: 2, value: new Uint8Array(0) },
  { index: 3, value: new Uint8Array(200).fill(8) },
]);

/** Splitting a stream: the same messages however it was cut, and no more kept than has arrived. */
export const frames: FuzzTarget = {
  name: "frames",
  weight: 25,
  run(random) {
    const stream = random.oneIn(10) ? random.bytes(random.below(100)) : mutateBytes(STREAM, random);
    const maxBytes = random.pick([0, 50, 150, 1 << 20]);
    const whole = split([stream], maxBytes);
    const cutUp = split(cut(stream, random), maxBytes);
    // The chunk that holds an invalid length throws, with whatever messages stand before it.
    assertEquals(cutUp, whole);
  },
};

/** What was found, as text, which compares faster than bytes. */
function split(chunks: readonly Bytes[], maxBytes: number): string | undefined {
  const found: string[] = [];
  const decoder = new FrameDecoder({
    maxBytes,
    onTooLarge: (start, byteLength) => found.push(`too large: ${byteLength}: ${start}`),
  });
  return expectOnly(RangeError, () => {
    for (const message of chunks.flatMap((chunk) => decoder.push(chunk))) {
      assert(message.byteLength <= maxBytes);
      found.push(String(message));
    }
    return found.join("\n");
  });
}
