import type { ByteView } from "../byte_view.ts";
import { addTrace, type KeyTrace } from "./key_traces.ts";
import { Reader, tagOf } from "./reader.ts";
import { bytesSize, FRAME_LENGTH_BYTES, maxTextSize, utf8, type Writer } from "./writer.ts";

// The messages of a channel: ChannelRequest and ChannelReply in groupcache.proto, each preceded by its
// length. The order of fields matters, so that one message can contain any number of keys or answers
// without a nested message, and an object, for each.

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
const REPLY = {
  id: tagOf(1, "varint"),
  minuteQps: tagOf(2, "fixed64"),
  ttlMs: tagOf(3, "varint"),
  value: tagOf(4, "bytes"),
  error: tagOf(5, "bytes"),
  message: tagOf(6, "bytes"),
  part: tagOf(7, "bytes"),
  isLarge: tagOf(8, "varint"),
  pong: tagOf(9, "varint"),
  goaway: tagOf(10, "varint"),
  details: tagOf(11, "bytes"),
};

/** The maximum size of a varint, in bytes. */
const NUMBER_BYTES = 10;

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
  /** Ids of keys that the client no longer waits for. */
  cancels: number[];
  /** Requests a pong once all preceding keys have been looked up. */
  ping: number | undefined;
}

/** The answer to one key: a value, an error, or a part of a value. A class for the reason of `OwnerLoad`. */
export class ChannelAnswer {
  readonly id: number;
  value: ByteView | undefined = undefined;
  minuteQps: number | undefined = undefined;
  /** The remaining time to live in milliseconds, so that clocks need not agree; undefined: forever. */
  ttlMs: number | undefined = undefined;
  error: string | undefined = undefined;
  message: string | undefined = undefined;
  /** The details of the error, as JSON. */
  details: string | undefined = undefined;
  /** A part of a value, which continues in later messages. */
  part: Uint8Array<ArrayBuffer> | undefined = undefined;
  /** Whether the value is too large for the channel and must be requested separately. */
  isLarge = false;

  constructor(id: number) {
    this.id = id;
  }
}

/** A message of the server. An empty one is a sign of life. */
export interface ChannelReply {
  answers: ChannelAnswer[];
  /** The ping that this answers. */
  pong: number | undefined;
  /** Whether the server accepts no more keys. */
  isGoingAway: boolean;
}

/** A value to send. */
export interface ChannelValue {
  readonly value: Uint8Array;
  /** The remaining time to live, in whole milliseconds; undefined: forever. */
  readonly ttlMs: number | undefined;
  readonly minuteQps: number;
}

/** Writes requested keys. */
export function writeGets(writer: Writer, gets: GetsMessage): void {
  writer.reserve(maxTextSize(gets.group) + 4 * NUMBER_BYTES);
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
  writeNumber(writer, REQUEST.cancel, id);
}

/** Writes a ping. */
export function writePing(writer: Writer, ping: number): void {
  writeNumber(writer, REQUEST.ping, ping);
}

/**
 * Decodes a message of the client.
 *
 * @throws {RangeError} If `bytes` is not such a message.
 */
export function decodeChannelRequest(bytes: Uint8Array<ArrayBuffer>): ChannelRequest {
  const request: ChannelRequest = { gets: [], cancels: [], ping: undefined };
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
        if (gets === undefined || !readGets(reader, tag, gets)) reader.skip(tag);
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

/** Writes the value of a key. */
export function writeValue(
  writer: Writer,
  id: number,
  { value, ttlMs, minuteQps }: ChannelValue,
): void {
  writer.reserve(bytesSize(value) + 4 * NUMBER_BYTES);
  writer.varint(REPLY.id);
  writer.varint(id);
  writer.varint(REPLY.minuteQps);
  writer.double(minuteQps);
  if (ttlMs !== undefined) {
    writer.varint(REPLY.ttlMs);
    writer.varint(ttlMs);
  }
  writer.varint(REPLY.value);
  writer.bytes(value);
}

/** Writes a part of a value. The last part is written by `writeValue`. */
export function writePart(writer: Writer, id: number, part: Uint8Array): void {
  writer.reserve(bytesSize(part) + 2 * NUMBER_BYTES);
  writer.varint(REPLY.id);
  writer.varint(id);
  writer.varint(REPLY.part);
  writer.bytes(part);
}

/** Writes an error. `details` is JSON. */
export function writeError(
  writer: Writer,
  id: number,
  { code, message, details }: { code: string; message: string; details?: string | undefined },
): void {
  const text = utf8(message);
  writer.reserve(maxTextSize(code) + bytesSize(text) + 2 * NUMBER_BYTES);
  writer.varint(REPLY.id);
  writer.varint(id);
  writer.varint(REPLY.message);
  writer.bytes(text);
  writer.varint(REPLY.error);
  writer.text(code);
  if (details === undefined) return;
  writer.reserve(1 + maxTextSize(details));
  writer.varint(REPLY.details);
  writer.text(details);
}

/** Writes that a value must be requested separately. */
export function writeLarge(writer: Writer, id: number): void {
  writeNumber(writer, REPLY.id, id);
  writeNumber(writer, REPLY.isLarge, 1);
}

/** Writes the answer to a ping. */
export function writePong(writer: Writer, ping: number): void {
  writeNumber(writer, REPLY.pong, ping);
}

/** Writes that the server accepts no more keys. */
export function writeGoaway(writer: Writer): void {
  writeNumber(writer, REPLY.goaway, 1);
}

/**
 * Decodes a message of the server. Values are views of `bytes`, not copies.
 *
 * @throws {RangeError} If `bytes` is not such a message.
 */
export function decodeChannelReply(bytes: Uint8Array<ArrayBuffer>): ChannelReply {
  const reply: ChannelReply = { answers: [], pong: undefined, isGoingAway: false };
  const reader = new Reader(bytes);
  let answer: ChannelAnswer | undefined;
  for (let tag = reader.next(); tag !== 0; tag = reader.next()) {
    switch (tag) {
      case REPLY.id:
        answer = new ChannelAnswer(reader.varint());
        reply.answers.push(answer);
        break;
      case REPLY.pong:
        reply.pong = reader.varint();
        break;
      case REPLY.goaway:
        reply.isGoingAway = reader.varint() !== 0;
        break;
      default:
        if (answer === undefined || !readAnswer(reader, tag, answer)) reader.skip(tag);
    }
  }
  return reply;
}

function readAnswer(reader: Reader, tag: number, answer: ChannelAnswer): boolean {
  switch (tag) {
    case REPLY.value:
      answer.value = reader.view();
      return true;
    case REPLY.minuteQps:
      answer.minuteQps = reader.double();
      return true;
    case REPLY.ttlMs:
      answer.ttlMs = reader.varint();
      return true;
    case REPLY.error:
      answer.error = reader.string();
      return true;
    case REPLY.message:
      answer.message = reader.string();
      return true;
    case REPLY.details:
      answer.details = reader.string();
      return true;
    case REPLY.part:
      answer.part = reader.bytes();
      return true;
    case REPLY.isLarge:
      answer.isLarge = reader.varint() !== 0;
      return true;
  }
  return false;
}

function writeNumber(writer: Writer, tag: number, value: number): void {
  writer.reserve(2 * NUMBER_BYTES);
  writer.varint(tag);
  writer.varint(value);
}

/** Starts a message. */
export function startMessage(writer: Writer): number {
  writer.reserve(FRAME_LENGTH_BYTES);
  return writer.startFrame();
}
