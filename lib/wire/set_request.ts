import { toMilliseconds, toNanoseconds } from "./expiry.ts";
import { checkFirst, Reader, tagOf } from "./reader.ts";
import { bigVarintSize, bytesSize, utf8, varintSize, Writer } from "./writer.ts";

// A message of groupcache.proto, coded by hand: a few fields do not justify a protobuf runtime.

const SET_REQUEST = {
  group: tagOf(1, "bytes"),
  key: tagOf(2, "bytes"),
  value: tagOf(3, "bytes"),
  expire: tagOf(4, "varint"),
  ttlMs: tagOf(105, "varint"),
};

/** A value to store under a key. */
export interface SetRequest {
  group: string;
  key: string;
  value: Uint8Array<ArrayBuffer>;
  /** When the value expires, in Unix milliseconds; `Infinity`, which is not sent, for never. */
  expiresAtMs: number;
  /** The time until then by the sender's clock, in whole milliseconds: clocks need not agree on it. */
  ttlMs?: number | undefined;
}

/** Encodes a request to store a value. */
export function encodeSetRequest(request: SetRequest): Uint8Array<ArrayBuffer> {
  const group = utf8(request.group);
  const key = utf8(request.key);
  const { ttlMs } = request;
  const expire = toNanoseconds(request.expiresAtMs);
  const writer = new Writer(
    3 + bytesSize(group) + bytesSize(key) + bytesSize(request.value) +
      (expire === undefined ? 0 : 1 + bigVarintSize(expire)) +
      (ttlMs === undefined ? 0 : 2 + varintSize(ttlMs)),
  );
  writer.varint(SET_REQUEST.group);
  writer.bytes(group);
  writer.varint(SET_REQUEST.key);
  writer.bytes(key);
  writer.varint(SET_REQUEST.value);
  writer.bytes(request.value);
  if (expire !== undefined) {
    writer.varint(SET_REQUEST.expire);
    writer.bigVarint(expire);
  }
  if (ttlMs !== undefined) {
    writer.varint(SET_REQUEST.ttlMs);
    writer.varint(ttlMs);
  }
  return writer.finish();
}

/**
 * Decodes a request. Its value is a view of `bytes`, not a copy.
 *
 * @throws {RangeError} If `bytes` is not such a message.
 */
export function decodeSetRequest(bytes: Uint8Array<ArrayBuffer>): SetRequest {
  const request: Partial<SetRequest> = {};
  const reader = new Reader(bytes);
  for (let tag = reader.next(); tag !== 0; tag = reader.next()) {
    switch (tag) {
      case SET_REQUEST.group:
        checkFirst(request.group);
        request.group = reader.string();
        break;
      case SET_REQUEST.key:
        checkFirst(request.key);
        request.key = reader.string();
        break;
      case SET_REQUEST.value:
        checkFirst(request.value);
        request.value = reader.bytes();
        break;
      case SET_REQUEST.expire:
        checkFirst(request.expiresAtMs);
        request.expiresAtMs = toMilliseconds(reader.bigVarint());
        break;
      case SET_REQUEST.ttlMs:
        checkFirst(request.ttlMs);
        request.ttlMs = reader.varint();
        break;
      default:
        reader.skip(tag);
    }
  }
  const { group = "", key = "", value = new Uint8Array(0), expiresAtMs = Infinity } = request;
  const { ttlMs } = request;
  return { group, key, value, expiresAtMs, ...(ttlMs !== undefined && { ttlMs }) };
}
