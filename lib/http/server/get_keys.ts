import { checkKeySize } from "../../key.ts";
import { traceparentAt } from "../../wire/key_traces.ts";
import { decodeGetKeysRequest, type GetKeysRequest } from "../../wire/get_keys_request.ts";
import { encodeGetResponses, type GetResponse } from "../../wire/get_response.ts";
import { PEEK } from "../headers.ts";
import { MAX_LIST_BYTES, MAX_LIST_KEYS } from "../peer_limits.ts";
import { repeatsTooOften } from "../repeated_keys.ts";
import type { GroupCall } from "./endpoint.ts";
import { LiveBody } from "./live_body.ts";
import { loadForPeer, timeoutMsOf } from "./load_for_peer.ts";
import { loadInWindow } from "./load_window.ts";
import {
  checkMaySend,
  foundMessage,
  LARGE_BYTES,
  messagesReply,
  noRoom,
  notInMemory,
  sizeOf,
  streamReply,
  toErrorMessage,
  toMessage,
} from "./replies.ts";
import { parse, readBody } from "./request_body.ts";

/**
 * Bytes of values that a reply may hold before its reader takes any. Values beyond that are looked up
 * again in turn.
 */
const MAX_AHEAD_BYTES = 4 << 20;

/** A requested key. */
interface Wanted {
  readonly index: number;
  readonly key: string;
  readonly minuteQps: number;
}

/** What became of the keys of a request at first sight. */
interface Lookup {
  /** Answers that can be sent at once. Their values are only borrowed. */
  readonly ready: readonly GetResponse[];
  /** Keys in memory, to be looked up again when the reader has taken what is before them. */
  readonly later: readonly Wanted[];
  /** Keys to load. One may be requested several times. */
  readonly missing: ReadonlyMap<string, readonly Wanted[]>;
  /** Whether `MAX_AHEAD_BYTES` were taken from the budget for values to be sent. */
  readonly hasTaken: boolean;
}

const PENDING_FRAME = encodeGetResponses([{ pending: true }]);

/** Answers a request for several keys: hits at once, loads as they finish and the reader takes them. */
export async function getKeys(call: GroupCall): Promise<Response> {
  const { group, host } = call;
  const body = await readBody(call, MAX_LIST_BYTES);
  const { keys, traces } = parse(() => decodeKeys(body));
  // The cache may have been closed while the body was read.
  call.host.group(call.name);
  const { ready, later, missing, hasTaken } = lookUp(keys, call);
  if (missing.size + later.length === 0 && !hasTaken) return messagesReply(ready);

  // Before any load begins: the hits are borrowed, and a load may overwrite them.
  const firstPart = encodeGetResponses(ready.length === 0 ? [{ pending: true }] : ready);
  const waiters = new Set<AbortController>();
  const reply = new LiveBody({
    ...host,
    keepalive: PENDING_FRAME,
    onLeave: () => {
      for (const waiter of waiters) waiter.abort();
    },
  });
  reply.writeTaken(hasTaken ? MAX_AHEAD_BYTES : 0, firstPart);
  const write = async (message: GetResponse, index: number): Promise<void> => {
    await reply.turn();
    const hasRoom = await reply.takeRoom(sizeOf(message));
    reply.write(encodeGetResponses([hasRoom ? message : toErrorMessage(noRoom(), index)]));
  };
  const load = async (wanted: readonly Wanted[]): Promise<number> => {
    const [first] = wanted;
    if (first === undefined) return 0;
    const { waiter, value } = loadForPeer(call, first.key, {
      timeoutMs: timeoutMsOf(call.request.headers),
      traceparent: traceparentAt(traces, first.index),
    });
    waiters.add(waiter);
    const toAnswer = await value.then(
      (value) => ({ minuteQps, index }: Wanted) => toMessage(value, minuteQps, host.clock, index),
      (error) => ({ index }: Wanted) => toErrorMessage(error, index),
    );
    waiters.delete(waiter);
    for (const each of wanted) await write(toAnswer(each), each.index);
    return sizeOf(toAnswer(first));
  };
  const loads = loadInWindow([...missing.values()], {
    load,
    isWanted: () => reply.isOpen,
    loadsTogether: group.loadsTogether,
  });
  const writeLater = async (): Promise<void> => {
    for (const wanted of later) {
      await reply.turn();
      if (!reply.isOpen) return;
      let message = fromMemory(wanted, call);
      const bytes = message === undefined ? 0 : sizeOf(message);
      if (bytes > LARGE_BYTES) {
        const hasRoom = await reply.takeRoom(bytes);
        // It was only borrowed, and may have gone meanwhile.
        message = hasRoom ? fromMemory(wanted, call) : toErrorMessage(noRoom(), wanted.index);
      }
      if (message === undefined) await load([wanted]);
      else reply.write(encodeGetResponses([message]));
    }
  };
  Promise.all([writeLater(), loads]).then(() => reply.end());
  return streamReply(reply.stream);
}

function decodeKeys(body: Uint8Array<ArrayBuffer>): GetKeysRequest {
  const request = decodeGetKeysRequest(body, MAX_LIST_KEYS);
  const { keys } = request;
  if (!repeatsTooOften(keys)) return request;
  throw new RangeError(
    `expected each key once: received ${keys.length} keys, ${new Set(keys).size} of them different`,
  );
}

/** Looks all keys up in memory. A large value, or one beyond what may be ahead, is left for later. */
function lookUp(keys: readonly string[], call: GroupCall): Lookup {
  const { group, host } = call;
  const ready: GetResponse[] = [];
  let readyBytes = 0;
  let maxReadyBytes = LARGE_BYTES;
  const later: Wanted[] = [];
  const missing = new Map<string, Wanted[]>();
  const nowMs = host.clock.now();
  for (const [index, key] of keys.entries()) {
    try {
      parse(() => checkKeySize(key)); // Decoded text is well-formed.
    } catch (error) {
      ready.push(toErrorMessage(error, index));
      continue;
    }
    const wanted = { index, key, minuteQps: group.count(key, nowMs) };
    const message = fromMemory(wanted, call);
    if (message === undefined) {
      const same = missing.get(key);
      if (same === undefined) missing.set(key, [wanted]);
      else same.push(wanted);
      continue;
    }
    const bytes = sizeOf(message);
    const mustAsk = readyBytes + bytes > maxReadyBytes && maxReadyBytes < MAX_AHEAD_BYTES;
    if (mustAsk && host.sent.tryTake(MAX_AHEAD_BYTES)) maxReadyBytes = MAX_AHEAD_BYTES;
    if (bytes > LARGE_BYTES || readyBytes + bytes > maxReadyBytes) later.push(wanted);
    else {
      readyBytes += bytes;
      ready.push(message);
    }
  }
  return { ready, later, missing, hasTaken: maxReadyBytes === MAX_AHEAD_BYTES };
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
