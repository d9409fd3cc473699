import { checkKeySize } from "../key.ts";
import type { PeerSide } from "../peer/peer.ts";
import { decodeGetKeysRequest, encodeGetResponses, type GetResponse } from "../wire/messages.ts";
import type { GetContext } from "./answer_get.ts";
import { MAX_LIST_BYTES } from "./body_bounds.ts";
import { PEEK } from "./headers.ts";
import { checkKeyCount } from "./key_list.ts";
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

const PENDING_FRAME = encodeGetResponses([{ pending: true }]);

/** Answers a request for several keys: what is in memory at once, loads as they end. */
export async function answerGetKeys(
  group: PeerSide,
  context: GetContext,
): Promise<Response> {
  const { request, clock, maxValueBytes } = context;
  const body = new Uint8Array(await readBody(request, MAX_LIST_BYTES));
  const keys = parse(() => {
    const keys = decodeGetKeysRequest(body);
    checkKeyCount(keys);
    return keys;
  });
  const ready: GetResponse[] = [];
  let isPeek: boolean | undefined;
  const missing: { index: number; key: string; minuteQps: number }[] = [];
  for (const [index, key] of keys.entries()) {
    try {
      parse(() => checkKeySize(key)); // What was decoded is well-formed.
      const minuteQps = group.count(key);
      const found = group.find(key);
      if (found === undefined) {
        // To look at a request's headers takes time, which a batch of hits can do without.
        isPeek ??= request.headers.has(PEEK);
        if (isPeek) throw notInMemory(key);
        missing.push({ index, key, minuteQps });
      } else {
        checkMaySend(key, found.value.byteLength, maxValueBytes);
        ready.push({ ...found, minuteQps, index });
      }
    } catch (error) {
      ready.push(toErrorMessage(error, index));
    }
  }
  if (missing.length === 0) return messagesReply(ready);

  // Before any load begins, which may change what was found: that is borrowed.
  const fromMemory = encodeGetResponses(ready.length === 0 ? [{ pending: true }] : ready);
  const waiters: AbortController[] = [];
  const reply = new LiveBody(clock, PENDING_FRAME, () => {
    for (const waiter of waiters) waiter.abort();
  });
  reply.write(fromMemory);
  const loads = missing.map(async ({ index, key, minuteQps }) => {
    const { waiter, value } = loadForPeer(group, key, context);
    waiters.push(waiter);
    const message = await value.then(
      (value) => toMessage(value, minuteQps, index),
      (error) => toErrorMessage(error, index),
    );
    reply.write(encodeGetResponses([message]));
  });
  Promise.all(loads).then(() => reply.end());
  return streamReply(reply.stream);
}
