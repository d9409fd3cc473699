import type { Clock } from "../../timing/clock.ts";
import { checkKeySize } from "../../key.ts";
import type { PeerBackend } from "../../peer/peer.ts";
import { encodeGetResponse } from "../../wire/messages.ts";
import { FROM, PEEK } from "../headers.ts";
import { LiveBody } from "./live_body.ts";
import { type LoadForPeer, loadForPeer } from "./load_for_peer.ts";
import { parse } from "./parse.ts";
import {
  checkMaySend,
  messageReply,
  notInMemory,
  streamReply,
  toErrorMessage,
  toMessage,
} from "./replies.ts";
import { keepOpen } from "../../runtime.ts";

/**
 * A load that takes longer than this is answered by a {@linkcode LiveBody}, its outcome in the
 * body. A quick one gets a plain reply.
 */
const PLAIN_REPLY_MS = 100;

const PENDING = encodeGetResponse({ pending: true });

/** What a key is asked for with. */
export interface GetContext {
  readonly request: Request;
  /** The second argument of the server's fetch function. */
  readonly info: unknown;
  readonly clock: Clock;
  readonly maxValueBytes: number;
}

/**
 * Answers a GET of one key. A hit is answered at once: servers take a reply quicker than the
 * promise of one.
 */
export function answerGet(
  group: PeerBackend,
  key: string,
  context: GetContext,
): Response | Promise<Response> {
  parse(() => checkKeySize(key)); // What was decoded is well-formed.
  const minuteQps = group.count(key);
  const found = group.find(key);
  if (found !== undefined) {
    checkMaySend(key, found.value.byteLength, context.maxValueBytes);
    return messageReply({ ...found, minuteQps });
  }
  if (context.request.headers.has(PEEK)) throw notInMemory(key);
  return answerWithLoad(loadForPeer(group, key, context), minuteQps, context);
}

async function answerWithLoad(
  load: LoadForPeer,
  minuteQps: number,
  { request, info, clock }: GetContext,
): Promise<Response> {
  // A Go peer reads the outcome off the status, so it waits for that.
  const isOurs = request.headers.has(FROM);
  if (!isOurs) keepOpen(request, info);
  else if (!await settlesWithin(PLAIN_REPLY_MS, load.value, clock)) {
    return lateReply(load, minuteQps, clock);
  }
  return messageReply(toMessage(await load.value, minuteQps));
}

function lateReply({ value, waiter }: LoadForPeer, minuteQps: number, clock: Clock): Response {
  const body = new LiveBody(clock, PENDING, () => waiter.abort());
  body.write(PENDING.slice());
  value.then(
    (value) => toMessage(value, minuteQps),
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
