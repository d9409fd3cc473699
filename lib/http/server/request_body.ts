import { digestOf } from "../../auth/signing_key.ts";
import { contentLengthOf } from "../content_length.ts";
import { GroupCacheError, messageOf } from "../../errors.ts";
import { MAX_LIST_KEYS } from "../peer_limits.ts";
import { chunkReaderOf } from "../chunk_reader.ts";
import type { Call } from "./endpoint.ts";
import { Progress } from "./progress.ts";
import { noRoom, SMALL_BODY_BYTES, tooSlow } from "./small_bodies.ts";

/** How long a body waits for room in the budget, in milliseconds. */
const MAX_WAIT_MS = 10_000;

/**
 * Reads the body of a request, unless it is too large. It counts towards the budget of bytes being
 * received: a body of known length waits for room, any other is rejected if there is none.
 *
 * @throws {GroupCacheError} With code `too-large`; `overloaded` if there is no room or no progress;
 * `unauthorized` if it is not the body that was signed.
 */
export async function readBody(call: Call, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const { request, admission: { digest }, host: { refusals, small } } = call;
  // Frameworks may hand over a request whose headers no server has checked.
  const length = contentLengthOf(request.headers);
  if (length !== undefined && length > maxBytes) throw tooLarge(`${length} bytes`, maxBytes);
  const isSmall = length !== undefined && length <= SMALL_BODY_BYTES;
  const body = isSmall
    ? await small.read(request, length)
    : request.body === null
    ? new Uint8Array()
    : await readLarge(request.body, length, maxBytes, call);
  if (digest !== undefined && await digestOf(body) !== digest) {
    refusals.add({ reason: "bad-proof", isRefused: true });
    throw new GroupCacheError("unauthorized", "Cannot accept the request: its body was changed");
  }
  return body;
}

/** Reads the body of a request as text: see `readBody`. */
export async function readText(call: Call, maxBytes: number): Promise<string> {
  return new TextDecoder().decode(await readBody(call, maxBytes));
}

async function readLarge(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  length: number | undefined,
  maxBytes: number,
  { host: { clock, received } }: Call,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = chunkReaderOf(body, { keeps: false });
  const progress = new Progress(clock, () => reader.cancel());
  let taken = 0;
  try {
    if (length !== undefined) {
      if (!await received.take(length, MAX_WAIT_MS)) throw noRoom();
      taken = length;
    }
    // The system allocates the memory only as it is written to.
    let bytes = new Uint8Array(length ?? SMALL_BODY_BYTES);
    let byteLength = 0;
    while (true) {
      const chunk = await reader.read();
      if (progress.isOver) throw tooSlow();
      if (chunk === undefined) return bytes.subarray(0, byteLength);
      progress.passed(chunk.byteLength);
      const end = byteLength + chunk.byteLength;
      if (end > maxBytes) throw tooLarge(`${end} bytes and no end`, maxBytes);
      if (end > bytes.byteLength) {
        const grown = new Uint8Array(Math.max(end, Math.min(2 * bytes.byteLength, maxBytes)));
        if (!received.tryTake(grown.byteLength - taken)) throw noRoom();
        taken = grown.byteLength;
        grown.set(bytes.subarray(0, byteLength));
        bytes = grown;
      }
      bytes.set(chunk, byteLength);
      byteLength = end;
    }
  } finally {
    progress.end();
    received.give(taken);
    // No effect if the body has ended.
    reader.cancel();
  }
}

function tooLarge(received: string, maxBytes: number): GroupCacheError {
  return new GroupCacheError(
    "too-large",
    `Cannot accept the request: its body may have ${maxBytes} bytes: received ${received}`,
  );
}

/**
 * Decodes a message from a peer.
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
