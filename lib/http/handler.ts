import { borrowBytes, viewOf } from "../byte_view.ts";
import type { Clock } from "../clock.ts";
import { GroupCacheError, type GroupCacheErrorCode, messageOf } from "../errors.ts";
import { checkKey } from "../key.ts";
import type { EncodedValue, PeerSide } from "../peer/peer.ts";
import {
  decodeGetKeysRequest,
  decodeSetRequest,
  encodeGetResponse,
  encodeGetResponses,
  type GetResponse,
} from "../wire/messages.ts";
import { ERROR, FROM, PROTOBUF, PROTOCOL_VERSION, TIMEOUT, VERSION } from "./headers.ts";
import { LiveBody } from "./live_body.ts";
import { parseTarget, pathOf } from "./paths.ts";
import { keepOpen } from "./runtime.ts";

/** How a {@linkcode PeerHandler} is made. */
export interface PeerHandlerOptions {
  clock: Clock;
  /** The path under which peers serve, with a slash at both ends. */
  basePath: string;
  /** Whether a `+` in a path is a space. */
  plusIsSpace: boolean;
  /** The group of a name, if there is one. */
  group: (name: string) => PeerSide | undefined;
}

/**
 * A load that takes longer than this is answered by a {@linkcode LiveBody}, its outcome in the
 * body. A quick one gets a plain reply.
 */
const PLAIN_REPLY_MS = 100;

/** More keys than this in one request are refused. */
const MAX_KEYS = 10_000;

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

/** Made once: a response copies them sooner than it makes them. */
const REPLY_HEADERS = new Headers({ "content-type": PROTOBUF, [VERSION]: PROTOCOL_VERSION });

const PENDING = encodeGetResponse({ pending: true });
const PENDING_FRAME = encodeGetResponses([{ pending: true }]);

/** Answers the requests of peers. */
export class PeerHandler {
  #options: PeerHandlerOptions;

  constructor(options: PeerHandlerOptions) {
    this.#options = options;
  }

  /** Whether a request is one of a peer. */
  isFor(request: Request): boolean {
    return pathOf(request.url).startsWith(this.#options.basePath);
  }

  /** @param info The second argument of the server's fetch function. */
  handle(request: Request, info: unknown): Response | Promise<Response> {
    try {
      const reply = this.#answer(request, info);
      return reply instanceof Promise ? reply.catch(errorReply) : reply;
    } catch (error) {
      return errorReply(error);
    }
  }

  /** A hit is answered at once: servers take a reply quicker than the promise of one. */
  #answer(request: Request, info: unknown): Response | Promise<Response> {
    const { basePath, plusIsSpace } = this.#options;
    const { group: name, key, keyList } = parse(() =>
      parseTarget(request.url, basePath, plusIsSpace)
    );
    const group = this.#options.group(name);
    if (group === undefined) {
      throw new GroupCacheError("peer-failed", `Cannot find group ${JSON.stringify(name)}`);
    }
    switch (request.method) {
      case "GET":
        return this.#get(group, key, request, info);
      case "PUT":
        return this.#put(group, request);
      case "DELETE":
        parse(() => checkKey(key));
        group.drop(key);
        return done();
      case "POST":
        if (keyList === "_get-keys/") return this.#getKeys(group, request);
        if (keyList === "_remove-keys/") return this.#removeKeys(group, request);
    }
    const headers = { allow: "GET, PUT, DELETE, POST", [VERSION]: PROTOCOL_VERSION };
    return new Response("Cannot serve such a request", { status: 405, headers });
  }

  #get(
    group: PeerSide,
    key: string,
    request: Request,
    info: unknown,
  ): Response | Promise<Response> {
    parse(() => checkKey(key));
    const minuteQps = group.count(key);
    const found = group.find(key);
    if (found !== undefined) return messageReply({ ...found, minuteQps });
    return this.#loadOne(group, key, minuteQps, request, info);
  }

  async #loadOne(
    group: PeerSide,
    key: string,
    minuteQps: number,
    request: Request,
    info: unknown,
  ): Promise<Response> {
    const { waiter, value } = this.#load(group, key, request);
    if (!request.headers.has(FROM)) {
      // A Go peer reads the outcome off the status, so it waits for that.
      keepOpen(request, info);
      return valueReply(await value, minuteQps);
    }
    if (await this.#settlesWithin(PLAIN_REPLY_MS, value)) {
      return valueReply(await value, minuteQps);
    }
    return this.#lateReply(value, minuteQps, waiter);
  }

  #lateReply(
    value: Promise<EncodedValue>,
    minuteQps: number,
    waiter: AbortController,
  ): Response {
    const body = new LiveBody(this.#options.clock, PENDING, () => waiter.abort());
    body.write(PENDING.slice());
    value.then(
      (value) => toMessage(value, minuteQps),
      (error) => toErrorMessage(error),
    ).then((message) => {
      body.write(encodeGetResponse(message));
      body.end();
    });
    return new Response(body.stream, { headers: REPLY_HEADERS });
  }

  async #getKeys(group: PeerSide, request: Request): Promise<Response> {
    const body = new Uint8Array(await request.arrayBuffer());
    const keys = parse(() => {
      const keys = decodeGetKeysRequest(body);
      if (keys.length > MAX_KEYS) {
        throw new RangeError(`expected at most ${MAX_KEYS} keys: received ${keys.length}`);
      }
      return keys;
    });
    const ready: GetResponse[] = [];
    const missing: { index: number; key: string; minuteQps: number }[] = [];
    for (const [index, key] of keys.entries()) {
      try {
        parse(() => checkKey(key));
        const minuteQps = group.count(key);
        const found = group.find(key);
        if (found === undefined) missing.push({ index, key, minuteQps });
        else ready.push({ ...found, minuteQps, index });
      } catch (error) {
        ready.push(toErrorMessage(error, index));
      }
    }
    // Before any load begins, which may change what was found: that is borrowed.
    const fromMemory = encodeGetResponses(ready);
    if (missing.length === 0) return new Response(fromMemory, { headers: REPLY_HEADERS });

    const waiters: AbortController[] = [];
    const reply = new LiveBody(this.#options.clock, PENDING_FRAME, () => {
      for (const waiter of waiters) waiter.abort();
    });
    reply.write(ready.length === 0 ? PENDING_FRAME.slice() : fromMemory);
    const loads = missing.map(async ({ index, key, minuteQps }) => {
      const { waiter, value } = this.#load(group, key, request);
      waiters.push(waiter);
      const message = await value.then(
        (value) => toMessage(value, minuteQps, index),
        (error) => toErrorMessage(error, index),
      );
      reply.write(encodeGetResponses([message]));
    });
    Promise.all(loads).then(() => reply.end());
    return new Response(reply.stream, { headers: REPLY_HEADERS });
  }

  async #put(group: PeerSide, request: Request): Promise<Response> {
    const body = new Uint8Array(await request.arrayBuffer());
    const { key, value, expiresAtMs } = parse(() => {
      const set = decodeSetRequest(body);
      checkKey(set.key);
      return set;
    });
    group.put(key, { view: viewOf(value), expiresAtMs });
    return done();
  }

  async #removeKeys(group: PeerSide, request: Request): Promise<Response> {
    const body: unknown = await request.json().catch(() => undefined);
    const keys = parse(() => {
      const keys = (body as { keys?: unknown } | undefined)?.keys;
      if (!Array.isArray(keys)) throw new TypeError('expected JSON as {"keys": ["…"]}');
      keys.forEach(checkKey);
      return keys as string[];
    });
    for (const key of keys) group.drop(key);
    return done();
  }

  /** Lets the group load, for no longer than the peer is ready to wait. */
  #load(
    group: PeerSide,
    key: string,
    request: Request,
  ): { waiter: AbortController; value: Promise<EncodedValue> } {
    const waiter = new AbortController();
    const value = group.load(key, waiter.signal);
    const timeoutMs = Number(request.headers.get(TIMEOUT) ?? Infinity);
    if (!(timeoutMs > 0 && timeoutMs < Infinity)) return { waiter, value };
    const { clock } = this.#options;
    const timer = clock.setTimeout(() => {
      waiter.abort(new GroupCacheError("timeout", `Cannot load: no result in ${timeoutMs} ms`));
    }, timeoutMs);
    return { waiter, value: value.finally(() => clock.clearTimeout(timer)) };
  }

  async #settlesWithin(ms: number, promise: Promise<unknown>): Promise<boolean> {
    const { clock } = this.#options;
    const late = Promise.withResolvers<boolean>();
    const timer = clock.setTimeout(() => late.resolve(false), ms);
    const settled = promise.then(() => true, () => true);
    const isSettled = await Promise.race([settled, late.promise]);
    clock.clearTimeout(timer);
    return isSettled;
  }
}

/** Reads what a peer sent. What is wrong with it is the peer's fault, not a failure of ours. */
function parse<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new GroupCacheError("bad-key", messageOf(error), { cause: error });
  }
}

function toMessage(value: EncodedValue, minuteQps: number, index?: number): GetResponse {
  const message: GetResponse = {
    value: borrowBytes(value.view),
    expiresAtMs: value.expiresAtMs,
    minuteQps,
  };
  if (index !== undefined) message.index = index;
  return message;
}

function toErrorMessage(thrown: unknown, index?: number): GetResponse {
  const { code, message } = toGroupCacheError(thrown);
  return index === undefined ? { error: code, message } : { error: code, message, index };
}

function valueReply(value: EncodedValue, minuteQps: number): Response {
  return messageReply(toMessage(value, minuteQps));
}

function messageReply(message: GetResponse): Response {
  return new Response(encodeGetResponse(message), { headers: REPLY_HEADERS });
}

function errorReply(error: unknown): Response {
  const { code, message } = toGroupCacheError(error);
  const headers = { [VERSION]: PROTOCOL_VERSION, [ERROR]: code };
  return new Response(message, { status: STATUSES[code], headers });
}

function toGroupCacheError(error: unknown): GroupCacheError {
  return error instanceof GroupCacheError
    ? error
    : new GroupCacheError("load-failed", messageOf(error));
}

function done(): Response {
  return new Response("", { headers: { [VERSION]: PROTOCOL_VERSION } });
}
