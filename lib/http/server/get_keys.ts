import { checkKeySize } from "../../key.ts";
import type { PeerBackend } from "../../peer/peer.ts";
import { decodeGetKeysRequest, encodeGetResponses, type GetResponse } from "../../wire/messages.ts";
import type { GetContext } from "./get.ts";
import { MAX_LIST_BYTES } from "../body_bounds.ts";
import { PEEK } from "../headers.ts";
import { checkKeyCount } from "../key_list.ts";
import { LiveBody } from "./live_body.ts";
import { loadForPeer } from "./load_for_peer.ts";
import { parse } from "./parse.ts";
import {
  checkMaySend,
  messagesReply,
  notInMemory,
  streamReply,
  toErrorMessage,
  toMessage,
} from "./replies.ts";
import { readBody } from "./request_body.ts";

/**
 * Bytes of values that a reply holds before its reader has taken any. What is beyond them is looked
 * up again when its turn comes.
 */
const MAX_AHEAD_BYTES = 4 << 20;

/** A key that is asked for. */
interface Wanted {
  readonly index: number;
  readonly key: string;
  readonly minuteQps: number;
}

const PENDING_FRAME = encodeGetResponses([{ pending: true }]);

/** Answers a request for several keys: what is in memory at once, loads as they end. */
export async function answerGetKeys(
  group: PeerBackend,
  context: GetContext,
): Promise<Response> {
  const { request, clock } = context;
  const body = new Uint8Array(await readBody(request, MAX_LIST_BYTES));
  const keys = parse(() => {
    const keys = decodeGetKeysRequest(body);
    checkKeyCount(keys);
    return keys;
  });
  const ready: GetResponse[] = [];
  let aheadBytes = 0;
  const later: Wanted[] = [];
  const missing: Wanted[] = [];
  for (const [index, key] of keys.entries()) {
    try {
      parse(() => checkKeySize(key)); // What was decoded is well-formed.
    } catch (error) {
      ready.push(toErrorMessage(error, index));
      continue;
    }
    const wanted = { index, key, minuteQps: group.count(key) };
    const message = fromMemory(group, wanted, context);
    if (message === undefined) {
      missing.push(wanted);
      continue;
    }
    const bytes = message.value?.byteLength ?? 0;
    if (aheadBytes > 0 && aheadBytes + bytes > MAX_AHEAD_BYTES) later.push(wanted);
    else {
      aheadBytes += bytes;
      ready.push(message);
    }
  }
  if (missing.length + later.length === 0) return messagesReply(ready);

  // Before any load begins, which may change what was found: that is borrowed.
  const firstPart = encodeGetResponses(ready.length === 0 ? [{ pending: true }] : ready);
  const waiters: AbortController[] = [];
  const reply = new LiveBody(clock, PENDING_FRAME, () => {
    for (const waiter of waiters) waiter.abort();
  });
  reply.write(firstPart);
  const load = async ({ index, key, minuteQps }: Wanted) => {
    const { waiter, value } = loadForPeer(group, key, context);
    waiters.push(waiter);
    const message = await value.then(
      (value) => toMessage(value, minuteQps, index),
      (error) => toErrorMessage(error, index),
    );
    reply.write(encodeGetResponses([message]));
  };
  const loads = missing.map(load);
  const writeLater = async () => {
    for (const wanted of later) {
      if (!await reply.whenTaken()) return;
      const message = fromMemory(group, wanted, context);
      if (message === undefined) loads.push(load(wanted));
      else reply.write(encodeGetResponses([message]));
    }
  };
  writeLater().then(() => Promise.all(loads)).then(() => reply.end());
  return streamReply(reply.stream);
}

/** The answer to a key, out of memory; undefined if it has to be loaded. */
function fromMemory(
  group: PeerBackend,
  { index, key, minuteQps }: Wanted,
  { request, maxValueBytes }: GetContext,
): GetResponse | undefined {
  try {
    const found = group.find(key);
    if (found === undefined) {
      // To look at a request's headers takes time, which a batch of hits can do without.
      if (request.headers.has(PEEK)) throw notInMemory(key);
      return undefined;
    }
    checkMaySend(key, found.value.byteLength, maxValueBytes);
    return { ...found, minuteQps, index };
  } catch (error) {
    return toErrorMessage(error, index);
  }
}
