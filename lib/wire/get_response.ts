import { toMilliseconds, toNanoseconds } from "./expiry.ts";
import { checkFirst, Reader, tagOf } from "./reader.ts";
import { bigVarintSize, bytesSize, utf8, varintSize, Writer } from "./writer.ts";

// A message of groupcache.proto, coded by hand: a few fields do not justify a protobuf runtime.

const GET_RESPONSE = {
  value: tagOf(1, "bytes"),
  minuteQps: tagOf(2, "fixed64"),
  expire: tagOf(3, "varint"),
  index: tagOf(101, "varint"),
  error: tagOf(102, "bytes"),
  message: tagOf(103, "bytes"),
  pending: tagOf(104, "varint"),
  ttlMs: tagOf(105, "varint"),
  details: tagOf(106, "bytes"),
};

/** The response for one key. */
export interface GetResponse {
  value?: Uint8Array<ArrayBuffer>;
  minuteQps?: number;
  /** When the value expires, in Unix milliseconds; `Infinity`, which is not sent, for never. */
  expiresAtMs?: number;
  /** The time until then by the sender's clock, in whole milliseconds: clocks need not agree on it. */
  ttlMs?: number | undefined;
  index?: number;
  error?: string;
  message?: string;
  /** The details of the error, as JSON. */
  details?: string;
  pending?: boolean;
}

/**
 * Encodes a response.
 *
 * @param room A buffer to reuse, if it is large enough.
 */
export function encodeGetResponse(
  response: GetResponse,
  room?: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const prepared = prepare(response);
  const writer = new Writer(prepared.byteLength, room);
  writeGetResponse(writer, prepared);
  return writer.finish();
}

/** Encodes all of a response that precedes the bytes of its value. */
export function encodeValueHead(
  response: GetResponse,
  valueBytes: number,
): Uint8Array<ArrayBuffer> {
  const prepared = prepare(response);
  const writer = new Writer(prepared.byteLength + 1 + varintSize(valueBytes));
  writeGetResponse(writer, prepared);
  writer.varint(GET_RESPONSE.value);
  writer.varint(valueBytes);
  return writer.finish();
}

/**
 * Encodes responses, each preceded by its length, as a stream holds them. Values are copied once.
 *
 * @param room A buffer to reuse, if it is large enough.
 */
export function encodeGetResponses(
  responses: readonly GetResponse[],
  room?: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const messages = responses.map(prepare);
  const writer = new Writer(
    messages.reduce((sum, { byteLength }) => sum + varintSize(byteLength) + byteLength, 0),
    room,
  );
  for (const message of messages) {
    writer.varint(message.byteLength);
    writeGetResponse(writer, message);
  }
  return writer.finish();
}

/** A response with its text encoded and its size computed. */
interface Prepared {
  readonly response: GetResponse;
  readonly expire: bigint | undefined;
  readonly error: Uint8Array | undefined;
  readonly message: Uint8Array | undefined;
  readonly details: Uint8Array | undefined;
  readonly byteLength: number;
}

function prepare(response: GetResponse): Prepared {
  const { value, minuteQps, index, pending, ttlMs } = response;
  const expire = toNanoseconds(response.expiresAtMs);
  const error = response.error === undefined ? undefined : utf8(response.error);
  const message = response.message === undefined ? undefined : utf8(response.message);
  const details = response.details === undefined ? undefined : utf8(response.details);
  const byteLength = (value === undefined ? 0 : 1 + bytesSize(value)) +
    (minuteQps === undefined ? 0 : 9) +
    (expire === undefined ? 0 : 1 + bigVarintSize(expire)) +
    (index === undefined ? 0 : 2 + varintSize(index)) +
    (error === undefined ? 0 : 2 + bytesSize(error)) +
    (message === undefined ? 0 : 2 + bytesSize(message)) +
    (details === undefined ? 0 : 2 + bytesSize(details)) +
    (pending === undefined ? 0 : 3) +
    (ttlMs === undefined ? 0 : 2 + varintSize(ttlMs));
  return { response, expire, error, message, details, byteLength };
}

function writeGetResponse(writer: Writer, prepared: Prepared): void {
  const { response, expire, error, message, details } = prepared;
  const { value, minuteQps, index, pending, ttlMs } = response;
  if (minuteQps !== undefined) {
    writer.varint(GET_RESPONSE.minuteQps);
    writer.double(minuteQps);
  }
  if (expire !== undefined) {
    writer.varint(GET_RESPONSE.expire);
    writer.bigVarint(expire);
  }
  if (ttlMs !== undefined) {
    writer.varint(GET_RESPONSE.ttlMs);
    writer.varint(ttlMs);
  }
  if (index !== undefined) {
    writer.varint(GET_RESPONSE.index);
    writer.varint(index);
  }
  if (error !== undefined) {
    writer.varint(GET_RESPONSE.error);
    writer.bytes(error);
  }
  if (message !== undefined) {
    writer.varint(GET_RESPONSE.message);
    writer.bytes(message);
  }
  if (details !== undefined) {
    writer.varint(GET_RESPONSE.details);
    writer.bytes(details);
  }
  if (pending !== undefined) {
    writer.varint(GET_RESPONSE.pending);
    writer.varint(pending ? 1 : 0);
  }
  // Last, so that a reply that breaks off has no value, rather than one that never expires.
  if (value !== undefined) {
    writer.varint(GET_RESPONSE.value);
    writer.bytes(value);
  }
}

/**
 * Decodes a response. Its value is a view of `bytes`, not a copy.
 *
 * @throws {RangeError} If `bytes` is not such a message.
 */
export function decodeGetResponse(bytes: Uint8Array<ArrayBuffer>): GetResponse {
  const response: GetResponse = {};
  const reader = new Reader(bytes);
  for (let tag = reader.next(); tag !== 0; tag = reader.next()) {
    switch (tag) {
      case GET_RESPONSE.value:
        checkFirst(response.value);
        response.value = reader.bytes();
        break;
      case GET_RESPONSE.minuteQps:
        checkFirst(response.minuteQps);
        response.minuteQps = reader.double();
        break;
      case GET_RESPONSE.expire:
        checkFirst(response.expiresAtMs);
        response.expiresAtMs = toMilliseconds(reader.bigVarint());
        break;
      case GET_RESPONSE.index:
        checkFirst(response.index);
        response.index = reader.varint();
        break;
      case GET_RESPONSE.error:
        checkFirst(response.error);
        response.error = reader.string();
        break;
      case GET_RESPONSE.message:
        checkFirst(response.message);
        response.message = reader.string();
        break;
      case GET_RESPONSE.details:
        checkFirst(response.details);
        response.details = reader.string();
        break;
      case GET_RESPONSE.ttlMs:
        checkFirst(response.ttlMs);
        response.ttlMs = reader.varint();
        break;
      case GET_RESPONSE.pending:
        // A sign of life: a slow load repeats it.
        response.pending = reader.varint() !== 0;
        break;
      default:
        reader.skip(tag);
    }
  }
  return response;
}

/** Reads the index from the beginning of a response. Returns undefined if it holds none. */
export function readIndex(start: Uint8Array<ArrayBuffer>): number | undefined {
  return findVarint(start, GET_RESPONSE.index)?.value;
}

/**
 * Returns the size of a response whose last field is its value, in bytes, given its beginning; undefined if
 * that does not reach as far as the value.
 */
export function readSize(start: Uint8Array<ArrayBuffer>): number | undefined {
  const length = findVarint(start, GET_RESPONSE.value);
  return length && length.end + length.value;
}

/** Reads the number after a tag, and says where it ends. */
function findVarint(
  start: Uint8Array<ArrayBuffer>,
  wanted: number,
): { value: number; end: number } | undefined {
  const reader = new Reader(start);
  try {
    for (let tag = reader.next(); tag !== 0; tag = reader.next()) {
      if (tag === wanted) return { value: reader.varint(), end: reader.position };
      reader.skip(tag);
    }
  } catch (error) {
    // A field that continues beyond the beginning.
    if (!(error instanceof RangeError)) throw error;
  }
  return undefined;
}
