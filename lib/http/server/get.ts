import { detailsOf } from "../../errors.ts";
import { checkKeySize } from "../../key.ts";
import { keepOpen } from "../../runtime.ts";
import type { Clock } from "../../timing/clock.ts";
import type { EncodedValue } from "../../peer/peer.ts";
import { toExpiry } from "../../wire/expiry.ts";
import { encodeGetResponse, encodeValueHead, type GetResponse } from "../../wire/get_response.ts";
import { FROM, PEEK } from "../headers.ts";
import type { GroupCall } from "./endpoint.ts";
import { LiveBody } from "./live_body.ts";
import { type LoadForPeer, loadForPeer, loadOptionsOf } from "./load_for_peer.ts";
import {
  checkMaySend,
  errorReply,
  foundMessage,
  LARGE_BYTES,
  messageReply,
  noRoom,
  notInMemory,
  sizeOf,
  streamReply,
  toErrorMessage,
  toMessage,
} from "./replies.ts";
import { parse } from "./request_body.ts";
import { ValueBody } from "./value_body.ts";

/** A longer load is answered with a {@linkcode LiveBody}, a shorter one with a plain reply. */
const PLAIN_REPLY_MS = 100;

/** How long a large value waits for room in the budget, in milliseconds. */
const MAX_WAIT_MS = 10_000;

const PENDING = encodeGetResponse({ pending: true });

/**
 * Answers a GET of one key. A hit is answered synchronously: servers send a reply sooner than the
 * promise of one.
 */
export function getKey(call: GroupCall): Response | Promise<Response> {
  const { group, key, request, host } = call;
  parse(() => checkKeySize(key)); // Decoded text is well-formed.
  const minuteQps = group.count(key, host.clock.now());
  const hit = findHit(call, minuteQps);
  if (hit !== undefined) {
    const byteLength = sizeOf(hit);
    if (byteLength > LARGE_BYTES) return answerWithLargeHit(byteLength, minuteQps, call);
    call.host.pace.answered();
    return messageReply(hit);
  }
  if (request.headers.has(PEEK)) throw notInMemory(key);
  return answerWithLoad(loadForPeer(call, key, loadOptionsOf(request)), minuteQps, call);
}

/** Answers a key that is in memory, whose value is only borrowed. */
function findHit({ group, key, host }: GroupCall, minuteQps: number): GetResponse | undefined {
  const found = group.find(key);
  if (found === undefined) return undefined;
  checkMaySend(key, found.value.byteLength, host.maxValueBytes);
  return foundMessage(found, minuteQps, host.clock);
}

/** Sends a large value once there is room for it; by then it may have been evicted. */
async function answerWithLargeHit(
  byteLength: number,
  minuteQps: number,
  call: GroupCall,
): Promise<Response> {
  const { sent } = call.host;
  if (!await sent.take(byteLength, MAX_WAIT_MS)) return errorReply(noRoom());
  const held = call.group.hold(call.key);
  if (held !== undefined && held.view.size <= call.host.maxValueBytes) {
    return largeReply(held, { minuteQps, takenBytes: byteLength }, call);
  }
  sent.give(byteLength);
  // Another one has replaced it.
  if (held !== undefined) checkMaySend(call.key, held.view.size, call.host.maxValueBytes);
  if (call.request.headers.has(PEEK)) return errorReply(notInMemory(call.key));
  return answerWithLoad(loadForPeer(call, call.key, loadOptionsOf(call.request)), minuteQps, call);
}

async function answerWithLoad(
  load: LoadForPeer,
  minuteQps: number,
  call: GroupCall,
): Promise<Response> {
  const { request, info, host: { clock, sent } } = call;
  // A Go peer reads the outcome from the status, so its reply waits for the outcome.
  const isOurs = request.headers.has(FROM);
  if (!isOurs) keepOpen(request, info);
  else if (!await settlesWithin(PLAIN_REPLY_MS, load.value, clock)) {
    return lateReply(load, minuteQps, call);
  }
  let value: EncodedValue;
  try {
    value = await load.value;
  } catch (error) {
    // A status cannot carry them, and a header is cut off by some proxies.
    if (isOurs && detailsOf(error) !== undefined) return messageReply(toErrorMessage(error));
    throw error;
  }
  const byteLength = value.view.size;
  if (byteLength <= LARGE_BYTES) return messageReply(toMessage(value, minuteQps, clock));
  if (!await sent.take(byteLength, MAX_WAIT_MS)) return errorReply(noRoom());
  return largeReply(value, { minuteQps, takenBytes: byteLength }, call);
}

/** A reply that is sent as its reader consumes it. It has room in the budget. */
function largeReply(
  { view, expiresAtMs }: EncodedValue,
  { minuteQps, takenBytes }: { minuteQps: number; takenBytes: number },
  { host: { clock, pace, sent } }: GroupCall,
): Response {
  const head = encodeValueHead({ ...toExpiry(expiresAtMs, clock), minuteQps }, view.size);
  return streamReply(new ValueBody({ clock, pace, sent, takenBytes, head, value: view }).stream);
}

function lateReply(
  { value, waiter }: LoadForPeer,
  minuteQps: number,
  { host }: GroupCall,
): Response {
  const body = new LiveBody({ ...host, keepalive: PENDING, onLeave: () => waiter.abort() });
  body.write(PENDING.slice());
  value.then(
    (value) => toMessage(value, minuteQps, host.clock),
    (error) => toErrorMessage(error),
  ).then(async (message) => {
    const hasRoom = await body.takeRoom(sizeOf(message));
    body.write(encodeGetResponse(hasRoom ? message : toErrorMessage(noRoom())));
    body.end();
  });
  return streamReply(body.stream);
}

async function settlesWithin(
  ms: number,
  promise: Promise<unknown>,
  clock: Clock,
): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = clock.setTimeout(() => late.resolve(false), ms);
  const settled = promise.then(() => true, () => true);
  const isSettled = await Promise.race([settled, late.promise]);
  clock.clearTimeout(timer);
  return isSettled;
}
