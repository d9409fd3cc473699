import { assert, assertEquals } from "@std/assert";
import { chunkReaderOf } from "../../lib/http/chunk_reader.ts";
import { test } from "../runtime.ts";

/** A body of chunks of these sizes, each filled with its index. */
function bodyOf(sizes: readonly number[], type?: "bytes"): ReadableStream<Uint8Array<ArrayBuffer>> {
  let index = 0;
  return new ReadableStream({
    type,
    pull(controller): void {
      const size = sizes[index];
      if (size === undefined) {
        controller.close();
        (controller as ReadableByteStreamController).byobRequest?.respond(0);
      } else controller.enqueue(new Uint8Array(size).fill(index++));
    },
  } as UnderlyingDefaultSource<Uint8Array<ArrayBuffer>>);
}

const SIZES = [1, 1, 100, 16 << 10, (16 << 10) + 1, 64 << 10, 1];

for (const type of ["bytes", undefined] as const) {
  const kind = type === undefined ? "default" : "byte";
  test(`chunkReaderOf() reads a ${kind} stream in chunks that may be kept`, async () => {
    const reader = chunkReaderOf(bodyOf(SIZES, type), { keeps: true });
    const chunks: Uint8Array[] = [];
    for (let chunk = await reader.read(); chunk !== undefined; chunk = await reader.read()) {
      chunks.push(chunk);
    }
    const bytes = chunks.flatMap((chunk) => [...chunk]);
    assertEquals(bytes, SIZES.flatMap((size, index) => new Array(size).fill(index)));
    assertEquals(await reader.read(), undefined);
  });

  test(`chunkReaderOf() reads a ${kind} stream in chunks valid until the next call`, async () => {
    const reader = chunkReaderOf(bodyOf(SIZES, type), { keeps: false });
    let byteLength = 0;
    for (let chunk = await reader.read(); chunk !== undefined; chunk = await reader.read()) {
      const index = chunk[0] as number;
      assert(chunk.every((byte) => byte === index));
      byteLength += chunk.byteLength;
    }
    assertEquals(byteLength, SIZES.reduce((sum, size) => sum + size, 0));
  });

  test(`chunkReaderOf().cancel() ends a pending read of a ${kind} stream`, async () => {
    const body = new ReadableStream({ type } as UnderlyingDefaultSource<Uint8Array<ArrayBuffer>>);
    const reader = chunkReaderOf(body, { keeps: true });
    const pending = reader.read();
    reader.cancel();
    assertEquals(await pending, undefined);
  });
}
