import { GroupCacheError } from "../../errors.ts";
import { concat } from "../../wire/frames.ts";

/**
 * The body of a request, unless it is too large.
 *
 * One whose length is told is read in one piece, which is quicker: servers let nothing through
 * beyond that length. Of any other no more is kept than may be.
 *
 * @throws {GroupCacheError} With code `too-large`.
 */
export function readBody(request: Request, maxBytes: number): Promise<ArrayBuffer> {
  const length = request.headers.get("content-length");
  if (Number(length) > maxBytes) return Promise.reject(tooLarge(`${length} bytes`, maxBytes));
  if (length !== null || request.body === null) return request.arrayBuffer();
  return readChunks(request.body, maxBytes);
}

/** As `readBody`, for text. */
export async function readText(request: Request, maxBytes: number): Promise<string> {
  return new TextDecoder().decode(await readBody(request, maxBytes));
}

async function readChunks(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  maxBytes: number,
): Promise<ArrayBuffer> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let byteLength = 0;
  const reader = body.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    byteLength += next.value.byteLength;
    if (byteLength > maxBytes) {
      reader.cancel().catch(() => {});
      throw tooLarge(`${byteLength} bytes and no end`, maxBytes);
    }
    chunks.push(next.value);
  }
  const bytes = concat(chunks, byteLength);
  const isWhole = bytes.byteLength === bytes.buffer.byteLength;
  return isWhole ? bytes.buffer : bytes.slice().buffer;
}

function tooLarge(received: string, maxBytes: number): GroupCacheError {
  return new GroupCacheError(
    "too-large",
    `Cannot take the request: its body may have ${maxBytes} bytes: received ${received}`,
  );
}
