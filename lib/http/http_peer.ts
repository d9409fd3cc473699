import { borrowBytes, viewOf } from "../byte_view.ts";
import type { Clock } from "../clock.ts";
import { GroupCacheError, type GroupCacheErrorCode, isErrorCode, messageOf } from "../errors.ts";
import type { EncodedValue, Peer, PeerCallOptions } from "../peer/peer.ts";
import { concat, FrameDecoder } from "../wire/frames.ts";
import {
  decodeGetResponse,
  encodeGetKeysRequest,
  encodeSetRequest,
  type GetResponse,
} from "../wire/messages.ts";
import { ERROR, FROM, PROTOBUF, TIMEOUT, VERSION } from "./headers.ts";
import { KEEPALIVE_MS } from "./live_body.ts";
import { fitsPath, isPathStep, keyListPath, keyPath } from "./paths.ts";
import { Patience } from "./patience.ts";

/** A function like `globalThis.fetch`. */
export type Fetch = (input: string, init?: RequestInit) => Promise<Response>;

/** What all the peers of a cache have in common. */
export interface HttpPeerOptions {
  /** Sends the requests. */
  fetch: Fetch;
  clock: Clock;
  /** The path under which peers serve, with a slash at both ends. */
  basePath: string;
  /** The longest silence that passes for life, in milliseconds. */
  peerTimeoutMs: number;
  /** By what peers know requests of this process. */
  instanceId: string;
  /**
   * Whether the status of a Go peer says what went wrong: 404 that the loader found nothing, 503
   * that it failed. So it is with mailgun/groupcache and groupcache-go, not with golang/groupcache.
   */
  trustsGoStatus: boolean;
}

/** Above this a body is read piece by piece, so that a large one may take its time. */
const SMALL_BODY_BYTES = 1 << 20;

/** What a peer says about a load is its answer; any other failure is its own. */
const ANSWERS: ReadonlySet<GroupCacheErrorCode> = new Set<GroupCacheErrorCode>([
  "not-found",
  "load-failed",
  "timeout",
  "bad-key",
  "too-large",
]);

/** A peer at the other end of `fetch`. */
export class HttpPeer implements Peer {
  readonly url: string;
  #options: HttpPeerOptions;
  /** Whether the last reply came from a peer of our kind: then it takes keys in bodies. */
  #isOurs = false;

  constructor(url: string, options: HttpPeerOptions) {
    this.url = url;
    this.#options = options;
  }

  get(group: string, key: string, options: PeerCallOptions = {}): Promise<EncodedValue> {
    return this.#call(options.signal, async (patience) => {
      const path = keyPath(this.#options.basePath, group, key);
      if (!fitsPath(path, key)) {
        if (await this.#isOneOfOurs(patience)) {
          return await this.#getInBody(group, key, options, patience);
        }
        if (isPathStep(key)) throw this.#failure("its implementation cannot receive such a key");
      }
      const init = this.#init({ method: "GET" }, options);
      const response = await this.#request(path, init, patience);
      const body = await this.#bodyOf(response, patience);
      if (response.status !== 200) throw this.#errorOf(response, body);
      this.#checkType(response);
      return this.#valueOf(decodeGetResponse(body));
    });
  }

  set(
    group: string,
    key: string,
    value: EncodedValue,
    options: PeerCallOptions = {},
  ): Promise<void> {
    const body = encodeSetRequest({
      group,
      key,
      value: borrowBytes(value.view),
      expiresAtMs: value.expiresAtMs,
    });
    return this.#call(options.signal, async (patience) => {
      const path = keyPath(this.#options.basePath, group, key);
      // The key that counts is in the body.
      const anyPath = fitsPath(path, key) ? path : keyPath(this.#options.basePath, group, "-");
      await this.#change(anyPath, this.#init({ method: "PUT", body }, options), patience);
    });
  }

  remove(group: string, key: string, options: PeerCallOptions = {}): Promise<void> {
    return this.#call(options.signal, async (patience) => {
      const path = keyPath(this.#options.basePath, group, key);
      if (fitsPath(path, key)) {
        await this.#change(path, this.#init({ method: "DELETE" }, options), patience);
      } else {
        const body = JSON.stringify({ group, keys: [key] });
        const listPath = keyListPath(this.#options.basePath, group, "_remove-keys/");
        await this.#change(listPath, this.#init({ method: "POST", body }, options), patience);
      }
    });
  }

  /** One key, sent as a batch of one, because it cannot be sent as a path. */
  async #getInBody(
    group: string,
    key: string,
    options: PeerCallOptions,
    patience: Patience,
  ): Promise<EncodedValue> {
    const path = keyListPath(this.#options.basePath, group, "_get-keys/");
    const body = encodeGetKeysRequest([key]);
    const init = this.#init({ method: "POST", body }, options);
    const response = await this.#request(path, init, patience);
    const bytes = await this.#bodyOf(response, patience);
    if (response.status !== 200) throw this.#errorOf(response, bytes);
    this.#checkType(response);
    const frames = new FrameDecoder();
    for (const message of frames.push(bytes)) {
      const result = decodeGetResponse(message);
      if (result.index === 0) return this.#valueOf(result);
    }
    throw this.#failure("the reply broke off");
  }

  async #change(path: string, init: RequestInit, patience: Patience): Promise<void> {
    const response = await this.#request(path, init, patience);
    const body = await this.#bodyOf(response, patience);
    if (response.status !== 200) throw this.#errorOf(response, body);
  }

  /** Runs a call so that it ends in time, and fails in one of the ways that `Peer` allows. */
  async #call<Result>(
    signal: AbortSignal | undefined,
    run: (patience: Patience) => Promise<Result>,
  ): Promise<Result> {
    signal?.throwIfAborted();
    const patience = new Patience(this.#options.clock, signal);
    try {
      return await run(patience);
    } catch (error) {
      if (patience.callerLeft) throw signal?.reason;
      if (error instanceof GroupCacheError) throw error;
      throw this.#failure(messageOf(error), error);
    } finally {
      patience.end();
    }
  }

  /**
   * Whether the peer is of our kind, and so takes keys in bodies. Unless it was at its last reply,
   * which a proxy may have sent, it is asked something that every implementation answers, with an
   * error and without a load.
   */
  async #isOneOfOurs(patience: Patience): Promise<boolean> {
    if (!this.#isOurs) {
      const init = this.#init({ method: "GET" }, {});
      const response = await this.#request(this.#options.basePath, init, patience);
      await this.#bodyOf(response, patience);
    }
    return this.#isOurs;
  }

  #init(request: { method: string; body?: BodyInit }, options: PeerCallOptions): RequestInit {
    const { loadTimeoutMs } = options;
    const headers: Record<string, string> = { [FROM]: this.#options.instanceId };
    if (loadTimeoutMs !== undefined && loadTimeoutMs < Infinity) {
      headers[TIMEOUT] = String(Math.ceil(loadTimeoutMs));
    }
    if (request.body !== undefined) {
      headers["content-type"] = typeof request.body === "string" ? "application/json" : PROTOBUF;
    }
    return { ...request, headers, redirect: "manual" };
  }

  async #request(path: string, init: RequestInit, patience: Patience): Promise<Response> {
    const { fetch, peerTimeoutMs } = this.#options;
    const send = () =>
      patience.wait(
        fetch(this.url + path, { ...init, signal: patience.signal }),
        peerTimeoutMs,
      );
    let response: Response;
    try {
      response = await send();
    } catch (error) {
      // A kept connection that the peer had closed: runtimes retry only a GET by themselves. All
      // our requests may be repeated.
      if (init.method === "GET" || patience.signal.aborted) throw error;
      response = await send();
    }
    this.#isOurs = response.headers.has(VERSION);
    return response;
  }

  async #bodyOf(response: Response, patience: Patience): Promise<Uint8Array<ArrayBuffer>> {
    const silenceMs = Math.max(this.#options.peerTimeoutMs, 3 * KEEPALIVE_MS);
    const length = response.headers.get("content-length");
    if (response.body === null || (length !== null && Number(length) <= SMALL_BODY_BYTES)) {
      return new Uint8Array(await patience.wait(response.arrayBuffer(), silenceMs));
    }
    const reader = response.body.getReader();
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    let byteLength = 0;
    try {
      while (true) {
        const { done, value } = await patience.wait(reader.read(), silenceMs);
        if (done) return concat(chunks, byteLength);
        chunks.push(value);
        byteLength += value.byteLength;
      }
    } catch (error) {
      reader.cancel(error).catch(() => {});
      throw error;
    }
  }

  #checkType(response: Response): void {
    const type = response.headers.get("content-type");
    if (type !== PROTOBUF) throw this.#failure(`expected ${PROTOBUF}: received ${type}`);
  }

  #valueOf(response: GetResponse): EncodedValue {
    if (response.error !== undefined) {
      throw this.#answer(response.error, response.message ?? "no reason given");
    }
    if (response.value === undefined) throw this.#failure("received a reply without a value");
    return { view: viewOf(response.value), expiresAtMs: response.expiresAtMs ?? Infinity };
  }

  #errorOf(response: Response, body: Uint8Array): GroupCacheError {
    const why = new TextDecoder().decode(body.subarray(0, 1024)).trim() || "no reason given";
    const code = response.headers.get(ERROR);
    if (code !== null) return this.#answer(code, why);
    if (this.#options.trustsGoStatus && !response.headers.has(VERSION)) {
      if (response.status === 404) return this.#answer("not-found", why);
      if (response.status === 503) return this.#answer("load-failed", why);
    }
    return this.#failure(`received status ${response.status}: ${why}`);
  }

  #answer(code: string, why: string): GroupCacheError {
    if (isErrorCode(code) && ANSWERS.has(code)) return new GroupCacheError(code, why);
    return this.#failure(`${code}: ${why}`);
  }

  #failure(why: string, cause?: unknown): GroupCacheError {
    return new GroupCacheError("peer-failed", `Cannot ask peer ${this.url}: ${why}`, { cause });
  }
}
