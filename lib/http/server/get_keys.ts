import { checkKeySize } from "../../key.ts";
import { decodeGetKeysRequest, encodeGetResponses, type GetResponse } from "../../wire/messages.ts";
import { PEEK } from "../headers.ts";
import { MAX_LIST_BYTES, MAX_LIST_KEYS } from "../peer_limits.ts";
import type { GroupCall } from "./endpoint.ts";
import { LiveBody } from "./live_body.ts";
import { loadForPeer } from "./load_for_peer.ts";
import {
  checkMaySend,
  foundMessage,
  messagesReply,
  notInMemory,
  streamReply,
  toErrorMessage,
  toMessage,
} from "./replies.ts";
import { parse, readBody } from "./request_body.ts";

/**
 * Bytes of values that a reply may buffer before its reader takes any. Values beyond that are looked
 * up again in turn.
 */
const MAX_AHEAD_BYTES = 4 << 20;

/** A requested key. */
interface Wanted {
  readonly index: number;
  readonly key: string;
  readonly minuteQps: number;
}

const PENDING_FRAME = encodeGetResponses([{ pending: true }]);

/** Answers a request for several keys: hits at once, loads as they finish. */
export async function getKeys(call: GroupCall): Promise<Response> {
  const { group, request, host: { clock } } = call;
  const body = new Uint8Array(await readBody(request, MAX_LIST_BYTES));
  const keys = parse(() => decodeGetKeysRequest(body, MAX_LIST_KEYS));
  // The cache may have been closed while the body was read.
  call.host.group(call.name);
  const ready: GetResponse[] = [];
  let aheadBytes = 0;
  const later: Wanted[] = [];
  const missing: Wanted[] = [];
  for (const [index, key] of keys.entries()) {
    try {
      parse(() => checkKeySize(key)); // Decoded text is well-formed.
    } catch (error) {
      ready.push(toErrorMessage(error, index));
      continue;
    }
    const wanted = { index, key, minuteQps: group.count(key) };
    const message = fromMemory(wanted, call);
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

  // Before any load begins: the hits are borrowed, and a load may overwrite them.
  const firstPart = encodeGetResponses(ready.length === 0 ? [{ pending: true }] : ready);
  const waiters: AbortController[] = [];
  const reply = new LiveBody(clock, PENDING_FRAME, () => {
    for (const waiter of waiters) waiter.abort();
  });
  reply.write(firstPart);
  const load = async ({ index, key, minuteQps }: Wanted) => {
    const { waiter, value } = loadForPeer(call, key);
    waiters.push(waiter);
    const message = await value.then(
      (value) => toMessage(value, minuteQps, clock, index),
      (error) => toErrorMessage(error, index),
    );
    reply.write(encodeGetResponses([message]));
  };
  const loads = missing.map(load);
  const writeLater = async () => {
    for (const wanted of later) {
      if (!await reply.whenTaken()) return;
      const message = fromMemory(wanted, call);
      if (message === undefined) loads.push(load(wanted));
      else reply.write(encodeGetResponses([message]));
    }
  };
  writeLater().then(() => Promise.all(loads)).then(() => reply.end());
  return streamReply(reply.stream);
}

/** The answer to a key that is in memory; undefined if the key has to be loaded. */
function fromMemory(
  { index, key, minuteQps }: Wanted,
  { group, request, host }: GroupCall,
): GetResponse | undefined {
  try {
    const found = group.find(key);
    if (found === undefined) {
      // Reading headers takes time, and a batch of hits does not need them.
      if (request.headers.has(PEEK)) throw notInMemory(key);
      return undefined;
    }
    checkMaySend(key, found.value.byteLength, host.maxValueBytes);
    return { ...foundMessage(found, minuteQps, host.clock), index };
  } catch (error) {
    return toErrorMessage(error, index);
  }
}
