import { checkKeySize } from "../../key.ts";
import { keepOpen } from "../../runtime.ts";
import type { Clock } from "../../timing/clock.ts";
import { encodeGetResponse } from "../../wire/messages.ts";
import { FROM, PEEK } from "../headers.ts";
import type { GroupCall } from "./endpoint.ts";
import { LiveBody } from "./live_body.ts";
import { type LoadForPeer, loadForPeer } from "./load_for_peer.ts";
import {
  checkMaySend,
  foundMessage,
  messageReply,
  notInMemory,
  streamReply,
  toErrorMessage,
  toMessage,
} from "./replies.ts";
import { parse } from "./request_body.ts";

/** A load that takes longer is answered with a {@linkcode LiveBody}; a quicker one by a plain reply. */
const PLAIN_REPLY_MS = 100;

const PENDING = encodeGetResponse({ pending: true });

/**
 * Answers a GET of one key. A hit is answered synchronously: servers send a reply sooner than the
 * promise of one.
 */
export function getKey(call: GroupCall): Response | Promise<Response> {
  const { group, key, request, host } = call;
  parse(() => checkKeySize(key)); // Decoded text is well-formed.
  const minuteQps = group.count(key);
  const found = group.find(key);
  if (found !== undefined) {
    checkMaySend(key, found.value.byteLength, host.maxValueBytes);
    return messageReply(foundMessage(found, minuteQps, host.clock));
  }
  if (request.headers.has(PEEK)) throw notInMemory(key);
  return answerWithLoad(loadForPeer(call, key), minuteQps, call);
}

async function answerWithLoad(
  load: LoadForPeer,
  minuteQps: number,
  { request, info, host: { clock } }: GroupCall,
): Promise<Response> {
  // A Go peer reads the outcome from the status, so its reply waits for the outcome.
  const isOurs = request.headers.has(FROM);
  if (!isOurs) keepOpen(request, info);
  else if (!await settlesWithin(PLAIN_REPLY_MS, load.value, clock)) {
    return lateReply(load, minuteQps, clock);
  }
  return messageReply(toMessage(await load.value, minuteQps, clock));
}

function lateReply({ value, waiter }: LoadForPeer, minuteQps: number, clock: Clock): Response {
  const body = new LiveBody(clock, PENDING, () => waiter.abort());
  body.write(PENDING.slice());
  value.then(
    (value) => toMessage(value, minuteQps, clock),
    (error) => toErrorMessage(error),
  ).then((message) => {
    body.write(encodeGetResponse(message));
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
