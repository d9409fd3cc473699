import { borrowBytes } from "../../byte_view.ts";
import {
  encodeDetails,
  GroupCacheError,
  type GroupCacheErrorCode,
  messageOf,
  quote,
  valueTooLarge,
} from "../../errors.ts";
import type { BorrowedValue, EncodedValue } from "../../peer/peer.ts";
import type { Clock } from "../../timing/clock.ts";
import { toExpiry } from "../../wire/expiry.ts";
import {
  encodeGetResponse,
  encodeGetResponses,
  type GetResponse,
} from "../../wire/get_response.ts";
import { ERROR, MARK, PROTOBUF, PROTOCOL_VERSION, TIME, VERSION } from "../headers.ts";

/** The statuses, chosen for Go's clients: see docs/protocol.md. */
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

/** Larger values are sent as their reader consumes them, and count towards the budget, in bytes. */
export const LARGE_BYTES: number = 256 * 1024;

/**
 * A shared buffer for encoding replies: a response copies its body when it is created, and allocating a
 * buffer for each would cost more than everything else.
 */
const room = new Uint8Array(LARGE_BYTES);

/** Creates a reply of one message. */
export function messageReply(message: GetResponse): Response {
  return withHeaders(new Response(encodeGetResponse(message, room)));
}

/** Creates a reply of several messages. */
export function messagesReply(messages: readonly GetResponse[]): Response {
  return withHeaders(new Response(encodeGetResponses(messages, room)));
}

/** Creates a reply of a stream of messages. */
export function streamReply(body: ReadableStream): Response {
  return withHeaders(new Response(body));
}

/** Setting headers one by one costs 0.3 µs per reply on Deno; passing them in `init` costs 5. */
function withHeaders(response: Response): Response {
  const { headers } = response;
  headers.set("content-type", PROTOBUF);
  headers.set(VERSION, PROTOCOL_VERSION);
  return response;
}

/** Creates the reply to a change that was applied. */
export function doneReply({ mark }: { mark: string }): Response {
  const reply = new Response("");
  reply.headers.set(VERSION, PROTOCOL_VERSION);
  reply.headers.set(MARK, mark);
  return reply;
}

/** Creates the reply to a value that is not stored because a change of its key may be later. */
export function staleReply({ time, mark }: { time: number; mark: string }): Response {
  const headers = { [VERSION]: PROTOCOL_VERSION, [TIME]: String(time), [MARK]: mark };
  return new Response("Cannot set the value: a later change is known", { status: 409, headers });
}

/** Creates a reply from anything that was thrown. */
export function errorReply(thrown: unknown): Response {
  const { code, message } = toGroupCacheError(thrown);
  const headers = { [VERSION]: PROTOCOL_VERSION, [ERROR]: code };
  return new Response(message, { status: STATUSES[code], headers });
}

/** Creates a message from a value in memory. */
export function foundMessage(
  { value, expiresAtMs }: BorrowedValue,
  minuteQps: number,
  clock: Clock,
): GetResponse {
  return { value, ...toExpiry(expiresAtMs, clock), minuteQps };
}

/** Creates a message from a value; in a batch with the index of its key. */
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

/** Creates a message from anything that was thrown; in a batch with the index of its key. */
export function toErrorMessage(thrown: unknown, index?: number): GetResponse {
  const error = toGroupCacheError(thrown);
  const details = encodeDetails(error);
  const message: GetResponse = { error: error.code, message: error.message };
  if (details !== undefined) message.details = details;
  if (index !== undefined) message.index = index;
  return message;
}

/** Returns the size of the value in a message, in bytes. */
export function sizeOf(message: GetResponse): number {
  return message.value?.byteLength ?? 0;
}

/** The error for a large value without room in the budget. */
export function noRoom(): GroupCacheError {
  return new GroupCacheError(
    "overloaded",
    "Cannot send the value: too many bytes are being sent",
  );
}

/** The error for a peek at a key that is not in memory. */
export function notInMemory(key: string): GroupCacheError {
  return new GroupCacheError("not-found", `Cannot find ${quote(key)} in memory`);
}

/**
 * Checks that a value may be sent.
 *
 * @throws {GroupCacheError} With code `too-large`.
 */
export function checkMaySend(key: string, valueBytes: number, maxValueBytes: number): void {
  if (valueBytes <= maxValueBytes) return;
  throw valueTooLarge(`send the value of ${quote(key)}`, `${valueBytes} bytes`, maxValueBytes);
}

/** Converts anything thrown while answering a request to an error with a code. */
export function toGroupCacheError(thrown: unknown): GroupCacheError {
  return thrown instanceof GroupCacheError
    ? thrown
    : new GroupCacheError("load-failed", messageOf(thrown));
}
