import type { Clock } from "../clock.ts";
import { checkKeySize } from "../key.ts";
import type { PeerSide } from "../peer/peer.ts";
import { decodeGetKeysRequest, encodeGetResponses, type GetResponse } from "../wire/messages.ts";
import { PEEK } from "./headers.ts";
import { LiveBody } from "./live_body.ts";
import { loadForPeer } from "./load_for_peer.ts";
import { parse } from "./parse.ts";
import { messagesReply, notInMemory, streamReply, toErrorMessage, toMessage } from "./replies.ts";

/** More keys than this in one request are refused. */
const MAX_KEYS = 10_000;

const PENDING_FRAME = encodeGetResponses([{ pending: true }]);

/** Answers a request for several keys: what is in memory at once, loads as they end. */
export async function answerGetKeys(
  group: PeerSide,
  request: Request,
  clock: Clock,
): Promise<Response> {
  const body = new Uint8Array(await request.arrayBuffer());
  const keys = parse(() => {
    const keys = decodeGetKeysRequest(body);
    if (keys.length > MAX_KEYS) {
      throw new RangeError(`expected at most ${MAX_KEYS} keys: received ${keys.length}`);
    }
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
      } else ready.push({ ...found, minuteQps, index });
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
    const { waiter, value } = loadForPeer(group, key, { request, clock });
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
