import { type ChangeNote, decodeChangeNote } from "../../wire/change_note.ts";
import { CHANGE } from "../headers.ts";
import { GroupCacheError, messageOf } from "../../errors.ts";
import { ByteBuffer } from "../../wire/byte_buffer.ts";
import { MAX_LIST_KEYS } from "../peer_limits.ts";

/**
 * Reads the body of a request, unless it is too large.
 *
 * A body of known length is read in one piece, which is quicker; servers let no more bytes through
 * than that. Of any other body no more than `maxBytes` are buffered.
 *
 * @throws {GroupCacheError} With code `too-large`.
 */
export function readBody(request: Request, maxBytes: number): Promise<ArrayBuffer> {
  const length = request.headers.get("content-length");
  if (Number(length) > maxBytes) return Promise.reject(tooLarge(`${length} bytes`, maxBytes));
  if (length !== null || request.body === null) return request.arrayBuffer();
  return readChunks(request.body, maxBytes);
}

/** Reads the body of a request as text: see `readBody`. */
export async function readText(request: Request, maxBytes: number): Promise<string> {
  return new TextDecoder().decode(await readBody(request, maxBytes));
}

async function readChunks(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  maxBytes: number,
): Promise<ArrayBuffer> {
  const bytes = new ByteBuffer();
  const reader = body.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    bytes.push(next.value);
    if (bytes.byteLength > maxBytes) {
      reader.cancel().catch(() => {});
      throw tooLarge(`${bytes.byteLength} bytes and no end`, maxBytes);
    }
  }
  return bytes.take().slice().buffer;
}

function tooLarge(received: string, maxBytes: number): GroupCacheError {
  return new GroupCacheError(
    "too-large",
    `Cannot take the request: its body may have ${maxBytes} bytes: received ${received}`,
  );
}

/**
 * Decodes what a peer sent.
 *
 * @throws {GroupCacheError} With code `bad-key`: the peer is at fault, not this process.
 */
export function parse<T>(decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    throw new GroupCacheError("bad-key", messageOf(error), { cause: error });
  }
}

/**
 * Checks that a request lists no more keys than allowed: each of them is work.
 *
 * @throws {RangeError} If there are more.
 */
export function checkKeyCount(keys: readonly unknown[]): void {
  if (keys.length <= MAX_LIST_KEYS) return;
  throw new RangeError(`expected at most ${MAX_LIST_KEYS} keys: received ${keys.length}`);
}

/** What a request says of the change that it makes; undefined if it comes from a Go peer. */
export function changeNoteOf({ headers }: Request): ChangeNote | undefined {
  const text = headers.get(CHANGE);
  return text === null ? undefined : parse(() => decodeChangeNote(text));
}
