import { borrowBytes } from "../../byte_view.ts";
import {
  GroupCacheError,
  type GroupCacheErrorCode,
  messageOf,
  quote,
  valueTooLarge,
} from "../../errors.ts";
import type { BorrowedValue, EncodedValue } from "../../peer/peer.ts";
import type { Clock } from "../../timing/clock.ts";
import {
  encodeGetResponse,
  encodeGetResponses,
  type GetResponse,
  toExpiry,
} from "../../wire/messages.ts";
import { ERROR, PROTOBUF, PROTOCOL_VERSION, TIME, VERSION } from "../headers.ts";

/** The statuses that make Go's clients do the right thing: see docs/protocol.md. */
const STATUSES: Readonly<Record<GroupCacheErrorCode, number>> = {
  "not-found": 404,
  "load-failed": 503,
  "timeout": 503,
  "peer-failed": 421,
  "bad-key": 400,
  "too-large": 413,
  "unauthorized": 401,
  "overloaded": 503,
  "closed": 421,
};

/** Larger values leave as their reader takes them, and count among the bytes that are on their way. */
export const LARGE_BYTES: number = 256 * 1024;

/**
 * Where replies are put together, one after the other: a response copies its body when it is made,
 * so to allocate one for each would be in vain, and takes longer than all the rest.
 */
const room = new Uint8Array(LARGE_BYTES);

/** A reply of one message. */
export function messageReply(message: GetResponse): Response {
  return withHeaders(new Response(encodeGetResponse(message, room)));
}

/** A reply of several messages. */
export function messagesReply(messages: readonly GetResponse[]): Response {
  return withHeaders(new Response(encodeGetResponses(messages, room)));
}

/** A reply of messages as they come. */
export function streamReply(body: ReadableStream): Response {
  return withHeaders(new Response(body));
}

/** Set one by one, they cost a reply 0.3 µs on Deno; given with `init`, 5. */
function withHeaders(response: Response): Response {
  const { headers } = response;
  headers.set("content-type", PROTOBUF);
  headers.set(VERSION, PROTOCOL_VERSION);
  return response;
}

/** The reply to what has been done and brings nothing. */
export function doneReply(): Response {
  return new Response("", { headers: { [VERSION]: PROTOCOL_VERSION } });
}

/** The reply to a value that is not stored, because a later change of its key is known. */
export function staleReply(time: number): Response {
  const headers = { [VERSION]: PROTOCOL_VERSION, [TIME]: String(time) };
  return new Response("Cannot set the value: a later change is known", { status: 409, headers });
}

/** A reply that tells what was thrown. */
export function errorReply(thrown: unknown): Response {
  const { code, message } = toGroupCacheError(thrown);
  const headers = { [VERSION]: PROTOCOL_VERSION, [ERROR]: code };
  return new Response(message, { status: STATUSES[code], headers });
}

/** A value in memory as a message. */
export function foundMessage(
  { value, expiresAtMs }: BorrowedValue,
  minuteQps: number,
  clock: Clock,
): GetResponse {
  return { value, ...toExpiry(expiresAtMs, clock), minuteQps };
}

/** A value as a message; in a batch with the index of its key. */
export function toMessage(
  { view, expiresAtMs }: EncodedValue,
  minuteQps: number,
  clock: Clock,
  index?: number,
): GetResponse {
  const message = foundMessage({ value: borrowBytes(view), expiresAtMs }, minuteQps, clock);
  if (index !== undefined) message.index = index;
  return message;
}

/** What was thrown as a message; in a batch with the index of its key. */
export function toErrorMessage(thrown: unknown, index?: number): GetResponse {
  const { code, message } = toGroupCacheError(thrown);
  return index === undefined ? { error: code, message } : { error: code, message, index };
}

/** How many bytes of a message are its value. */
export function sizeOf(message: GetResponse): number {
  return message.value?.byteLength ?? 0;
}

/** The error of a large value for which there was no room for too long. */
export function noRoom(): GroupCacheError {
  return new GroupCacheError(
    "overloaded",
    "Cannot send the value: too many bytes are on their way",
  );
}

/** What is said to a peer that asks for what is in memory only. */
export function notInMemory(key: string): GroupCacheError {
  return new GroupCacheError("not-found", `Cannot find ${quote(key)} in memory`);
}

/**
 * Checks that a value may travel.
 *
 * @throws {GroupCacheError} With code `too-large`.
 */
export function checkMaySend(key: string, valueBytes: number, maxValueBytes: number): void {
  if (valueBytes <= maxValueBytes) return;
  throw valueTooLarge(`send the value of ${quote(key)}`, `${valueBytes} bytes`, maxValueBytes);
}

/** Anything thrown while a request was answered, as an error with a code. */
export function toGroupCacheError(thrown: unknown): GroupCacheError {
  return thrown instanceof GroupCacheError
    ? thrown
    : new GroupCacheError("load-failed", messageOf(thrown));
}
