import { type ChangeMessage, readChange } from "./channel_changes.ts";
import { addTrace, type KeyTrace } from "./key_traces.ts";
import { Reader, tagOf } from "./reader.ts";
import { maxTextSize, VARINT_BYTES, type Writer } from "./writer.ts";

// What a client sends on a channel: ChannelRequest in groupcache.proto, each preceded by its length. The
// order of fields matters, so that one message can contain any number of keys without a nested message,
// and an object, for each.

const REQUEST = {
  group: tagOf(1, "bytes"),
  peek: tagOf(2, "varint"),
  timeoutMs: tagOf(3, "varint"),
  firstId: tagOf(4, "varint"),
  key: tagOf(5, "bytes"),
  cancel: tagOf(6, "varint"),
  ping: tagOf(7, "varint"),
  traceparent: tagOf(8, "bytes"),
};

/** Requested keys of one group. */
export interface GetsMessage {
  group: string;
  /** Whether to answer only from memory. */
  peek: boolean;
  /** How long a load may take, in milliseconds; `Infinity` for no limit. */
  timeoutMs: number;
  /** The id of the first key; the others have consecutive ids. */
  firstId: number;
  keys: string[];
  /** The traces that keys belong to, if any does. */
  traces?: KeyTrace[] | undefined;
}

/** A message of the client. */
export interface ChannelRequest {
  gets: GetsMessage[];
  changes: ChangeMessage[];
  /** Ids of keys that the client no longer waits for. */
  cancels: number[];
  /** Requests a pong once all preceding keys have been looked up. */
  ping: number | undefined;
}

/** Writes requested keys. */
export function writeGets(writer: Writer, gets: GetsMessage): void {
  writer.reserve(maxTextSize(gets.group) + 4 * VARINT_BYTES);
  writer.varint(REQUEST.group);
  writer.text(gets.group);
  if (gets.peek) {
    writer.varint(REQUEST.peek);
    writer.varint(1);
  }
  if (gets.timeoutMs < Infinity) {
    writer.varint(REQUEST.timeoutMs);
    writer.varint(Math.ceil(gets.timeoutMs));
  }
  writer.varint(REQUEST.firstId);
  writer.varint(gets.firstId);
  if (gets.traces !== undefined) return writeTracedKeys(writer, gets.keys, gets.traces);
  for (const key of gets.keys) {
    writer.reserve(1 + maxTextSize(key));
    writer.varint(REQUEST.key);
    writer.text(key);
  }
}

/** Writes each trace before the first of its keys. */
function writeTracedKeys(
  writer: Writer,
  keys: readonly string[],
  traces: readonly KeyTrace[],
): void {
  let next = 0;
  for (const [index, key] of keys.entries()) {
    const trace = traces[next];
    if (trace?.from === index) {
      next++;
      writer.reserve(1 + maxTextSize(trace.traceparent));
      writer.varint(REQUEST.traceparent);
      writer.text(trace.traceparent);
    }
    writer.reserve(1 + maxTextSize(key));
    writer.varint(REQUEST.key);
    writer.text(key);
  }
}

/** Writes that the client no longer waits for a key. */
export function writeCancel(writer: Writer, id: number): void {
  writer.numberField(REQUEST.cancel, id);
}

/** Writes a ping. */
export function writePing(writer: Writer, ping: number): void {
  writer.numberField(REQUEST.ping, ping);
}

/**
 * Decodes a message of the client.
 *
 * @throws {RangeError} If `bytes` is not such a message.
 */
export function decodeChannelRequest(bytes: Uint8Array<ArrayBuffer>): ChannelRequest {
  const request: ChannelRequest = { gets: [], changes: [], cancels: [], ping: undefined };
  const reader = new Reader(bytes);
  let gets: GetsMessage | undefined;
  for (let tag = reader.next(); tag !== 0; tag = reader.next()) {
    switch (tag) {
      case REQUEST.group:
        gets = { group: reader.string(), peek: false, timeoutMs: Infinity, firstId: 0, keys: [] };
        request.gets.push(gets);
        break;
      case REQUEST.cancel:
        request.cancels.push(reader.varint());
        break;
      case REQUEST.ping:
        request.ping = reader.varint();
        break;
      default:
        if (gets !== undefined && readGets(reader, tag, gets)) break;
        if (!readChange(reader, tag, request.changes)) reader.skip(tag);
    }
  }
  return request;
}

function readGets(reader: Reader, tag: number, gets: GetsMessage): boolean {
  switch (tag) {
    case REQUEST.key:
      gets.keys.push(reader.string());
      return true;
    case REQUEST.firstId:
      gets.firstId = reader.varint();
      return true;
    case REQUEST.peek:
      gets.peek = reader.varint() !== 0;
      return true;
    case REQUEST.timeoutMs:
      gets.timeoutMs = reader.varint();
      return true;
    case REQUEST.traceparent:
      gets.traces ??= [];
      addTrace(gets.traces, { from: gets.keys.length, traceparent: reader.string() });
      return true;
  }
  return false;
}
