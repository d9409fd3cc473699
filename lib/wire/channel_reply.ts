import type { ByteView } from "../byte_view.ts";
import { Reader, tagOf } from "./reader.ts";
import { bytesSize, maxTextSize, utf8, VARINT_BYTES, type Writer } from "./writer.ts";

// What a server sends on a channel: ChannelReply in groupcache.proto. As to its form see
// channel_request.ts.

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
  staleAt: tagOf(12, "varint"),
  mark: tagOf(13, "bytes"),
  takesChanges: tagOf(14, "varint"),
};

/** The answer to one key: a value, an error, a part of a value, or the outcome of a change. A class for the reason of `OwnerLoad`. */
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
  /** Whether the value is too large for the channel, or a change unfit for it: it takes a request. */
  isLarge = false;
  /** 0 if the change was applied; otherwise the latest time that the server knows, for a new attempt. */
  staleAt: number | undefined = undefined;

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
  /** Whether the server accepts changes. */
  takesChanges: boolean;
  /** A mark of the server, after the changes that it answers. */
  mark: string | undefined;
}

/** A value to send. */
export interface ChannelValue {
  readonly value: Uint8Array;
  /** The remaining time to live, in whole milliseconds; undefined: forever. */
  readonly ttlMs: number | undefined;
  readonly minuteQps: number;
}

/** Writes the value of a key. */
export function writeValue(
  writer: Writer,
  id: number,
  { value, ttlMs, minuteQps }: ChannelValue,
): void {
  writer.reserve(bytesSize(value) + 4 * VARINT_BYTES);
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
  writer.reserve(bytesSize(part) + 2 * VARINT_BYTES);
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
  writer.reserve(maxTextSize(code) + bytesSize(text) + 2 * VARINT_BYTES);
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

/** Writes that a value, or a change, takes a request. */
export function writeLarge(writer: Writer, id: number): void {
  writer.numberField(REPLY.id, id);
  writer.numberField(REPLY.isLarge, 1);
}

/** Writes the outcome of a change: 0, or the latest time that the server knows if it is stale. */
export function writeOutcome(writer: Writer, id: number, staleAt: number): void {
  writer.numberField(REPLY.id, id);
  writer.numberField(REPLY.staleAt, staleAt);
}

/** Writes a mark of the server. */
export function writeMark(writer: Writer, mark: string): void {
  writer.reserve(maxTextSize(mark) + 1);
  writer.varint(REPLY.mark);
  writer.text(mark);
}

/** Writes that the server accepts changes. */
export function writeTakesChanges(writer: Writer): void {
  writer.numberField(REPLY.takesChanges, 1);
}

/** Writes the answer to a ping. */
export function writePong(writer: Writer, ping: number): void {
  writer.numberField(REPLY.pong, ping);
}

/** Writes that the server accepts no more keys. */
export function writeGoaway(writer: Writer): void {
  writer.numberField(REPLY.goaway, 1);
}

/**
 * Decodes a message of the server. Values are views of `bytes`, not copies.
 *
 * @throws {RangeError} If `bytes` is not such a message.
 */
export function decodeChannelReply(bytes: Uint8Array<ArrayBuffer>): ChannelReply {
  const reply: ChannelReply = {
    answers: [],
    pong: undefined,
    isGoingAway: false,
    takesChanges: false,
    mark: undefined,
  };
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
      case REPLY.mark:
        reply.mark = reader.string();
        break;
      case REPLY.takesChanges:
        reply.takesChanges = reader.varint() !== 0;
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
    case REPLY.staleAt:
      answer.staleAt = reader.varint();
      return true;
  }
  return false;
}
