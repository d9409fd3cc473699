import { viewOf } from "../../byte_view.ts";
import type { Clock } from "../../timing/clock.ts";
import {
  GroupCacheError,
  type GroupCacheErrorCode,
  isErrorCode,
  messageOf,
  valueTooLarge,
} from "../../errors.ts";
import type { PeerHealth } from "../../peer/health.ts";
import type { DueQueue } from "../../timing/due_queue.ts";
import type { EncodedValue, PeerCallOptions } from "../../peer/peer.ts";
import { concat } from "../../wire/frames.ts";
import type { GetResponse } from "../../wire/messages.ts";
import { ENVELOPE_BYTES, MAX_NOTE_BYTES } from "../body_bounds.ts";
import type { RequestSemaphore } from "./request_semaphore.ts";
import { ERROR, FROM, PEEK, PROTOBUF, TIMEOUT, VERSION } from "../headers.ts";
import { KEEPALIVE_MS } from "../server/live_body.ts";
import type { Fetch } from "../../runtime.ts";
import type { Patience } from "./patience.ts";
import type { PeerLimits } from "../peer_limits.ts";

/** What all the connections of a cache have in common. */
export interface ConnectionOptions {
  /** Sends the requests. */
  fetch: Fetch;
  /** Bounds how many of them are under way. */
  semaphore: RequestSemaphore;
  /** What bounds the calls to a peer, and its replies. */
  limits: PeerLimits;
  clock: Clock;
  /** Where calls wait for the end of a peer's silence. */
  silences: DueQueue;
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
  /** Whether the peer may be one of Go, which shows no life while it loads. */
  mayBeGo: boolean;
}

/** What makes a {@linkcode Connection} the one to this peer. */
export interface PeerConnectionOptions extends ConnectionOptions {
  /** Told how the requests go. */
  health: PeerHealth;
  /** Told now and then that a peer of our kind has answered. */
  onAnswer: () => void;
}

/** How often a peer that answers is taken note of, in milliseconds. */
const ANSWER_MS = 20_000;

/** Above this a body is read piece by piece, so that a large one may take its time. */
const SMALL_BODY_BYTES = 1 << 20;

/** What a peer says about a load is its answer; any other failure is its own. */
const ANSWERS: ReadonlySet<GroupCacheErrorCode> = new Set<GroupCacheErrorCode>([
  "not-found",
  "load-failed",
  "timeout",
  "bad-key",
  "too-large",
  "overloaded",
]);

/** Signs of life in a body are further apart than this only if something is wrong. */
const LIFE_MS = 4 * KEEPALIVE_MS;

/** Requests to one peer, and what its replies mean. */
export class Connection {
  /** The peer's base URL. */
  readonly url: string;
  readonly options: PeerConnectionOptions;
  #isOurs = false;
  #tellAtMs = -Infinity;

  constructor(url: string, options: PeerConnectionOptions) {
    this.url = url;
    this.options = options;
  }

  /** Whether the last reply came from a peer of our kind: then it takes keys in bodies. */
  get isOurs(): boolean {
    return this.#isOurs;
  }

  /**
   * Sends a request and has its reply read.
   *
   * @throws {GroupCacheError} As `Peer` says. Unless the caller has left.
   */
  async exchange<Result>(
    path: string,
    request: { method: string; body?: string | Uint8Array<ArrayBuffer> },
    { loadTimeoutMs, peek }: PeerCallOptions,
    patience: Patience,
    read: (response: Response) => Promise<Result>,
  ): Promise<Result> {
    const headers: Record<string, string> = { [FROM]: this.options.instanceId };
    if (loadTimeoutMs !== undefined && loadTimeoutMs < Infinity) {
      headers[TIMEOUT] = String(Math.ceil(loadTimeoutMs));
    }
    if (peek) headers[PEEK] = "1";
    if (request.body !== undefined) {
      headers["content-type"] = typeof request.body === "string" ? "application/json" : PROTOBUF;
    }
    const { signal } = patience;
    const init: RequestInit = { ...request, headers, redirect: "manual", signal };
    const { semaphore, clock } = this.options;
    if (!semaphore.tryAcquire()) await this.#acquire(patience);
    const startedAtMs = clock.now();
    let response: Response | undefined;
    try {
      try {
        response = await this.#send(this.url + path, init, patience);
      } finally {
        // The body may wait for a load: that must not keep calls to anybody waiting.
        semaphore.release();
      }
      this.#isOurs = response.headers.has(VERSION);
      this.#takeNote(response, startedAtMs);
      return await read(response);
    } catch (error) {
      if (!patience.callerLeft) this.#takeNoteOfFailure(error, response, startedAtMs);
      throw error;
    }
  }

  /**
   * Whether a reply shows that the peer can be asked. One of ours that does not know the group yet
   * can, for other groups; one that is closing cannot.
   */
  isUp(response: Response): boolean {
    if (response.ok) return true;
    if (response.headers.has(VERSION)) return response.headers.get(ERROR) !== "closed";
    // What Go says with other statuses is about one key. These are a proxy's.
    return this.options.mayBeGo && response.status !== 502 && response.status !== 504;
  }

  #takeNote(response: Response, startedAtMs: number): void {
    const { health, clock, mayBeGo, onAnswer } = this.options;
    if (!this.isUp(response)) return;
    health.answered(startedAtMs, { showsLife: this.#isOurs || !mayBeGo });
    if (!this.#isOurs) return;
    const now = clock.now();
    if (now < this.#tellAtMs) return;
    this.#tellAtMs = now + ANSWER_MS;
    onAnswer();
  }

  #takeNoteOfFailure(thrown: unknown, response: Response | undefined, startedAtMs: number): void {
    const error = this.toFailure(thrown);
    // What a peer says of a key is no failure of the peer.
    const isAnswer = error.code !== "peer-failed" ||
      response !== undefined && !response.ok && this.isUp(response);
    if (isAnswer) return;
    const { health } = this.options;
    if (response?.headers.get(ERROR) === "closed") health.closed(error);
    else health.failed(error, startedAtMs);
  }

  async #acquire(patience: Patience): Promise<void> {
    const { semaphore } = this.options;
    const entered = semaphore.acquire();
    try {
      await patience.wait(entered, Infinity);
    } catch (error) {
      entered.then(() => semaphore.release());
      throw error;
    }
  }

  /**
   * A kept connection that the peer had closed fails, and runtimes retry only a GET by themselves.
   * All our requests may be repeated.
   */
  #send(url: string, init: RequestInit, patience: Patience): Promise<Response> {
    const { fetch } = this.options;
    const response = this.#wait(patience, fetch(url, init));
    if (init.method === "GET") return response;
    return response.catch((error) => {
      if (patience.signal.aborted) throw error;
      return this.#wait(patience, fetch(url, init));
    });
  }

  /** Waits for as long as the peer answers others, though not beyond its timeout. */
  #wait<T>(patience: Patience, answer: Promise<T>, leastMs = 0): Promise<T> {
    const { clock, peerTimeoutMs, health } = this.options;
    const startedAtMs = clock.now();
    const endMs = startedAtMs + Math.max(peerTimeoutMs, leastMs);
    return patience.wait(answer, Math.max(health.silenceLimitMs, leastMs), () => {
      // Where one has given the peer up none goes on hoping.
      if (health.isOpen || health.isSilent(startedAtMs)) return 0;
      return Math.min(health.silenceLimitMs, endMs - clock.now());
    });
  }

  /** Bytes of one message with its value. */
  get maxMessageBytes(): number {
    return this.options.limits.maxValueBytes + ENVELOPE_BYTES;
  }

  /**
   * The body of a reply that is one message.
   *
   * @throws {GroupCacheError} With code `too-large`, as soon as that shows.
   */
  bodyOf(response: Response, patience: Patience): Promise<Uint8Array<ArrayBuffer>> {
    return this.startOf(response, patience, Infinity, this.maxMessageBytes);
  }

  /** What a body begins with: all if it is short, otherwise `enoughBytes` or some more. */
  async startOf(
    response: Response,
    patience: Patience,
    enoughBytes: number,
    maxBytes: number = Infinity,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    let byteLength = 0;
    await this.readBody(response, patience, (chunk) => {
      chunks.push(chunk);
      byteLength += chunk.byteLength;
      return byteLength >= enoughBytes;
    }, maxBytes);
    return concat(chunks, byteLength);
  }

  /**
   * Hands on the body of a reply as it comes, a small one whose length is known in one piece, until
   * `take` returns true.
   *
   * @throws {GroupCacheError} With code `too-large`, as soon as it shows that there are more bytes
   * than `maxBytes`.
   */
  async readBody(
    response: Response,
    patience: Patience,
    take: (chunk: Uint8Array<ArrayBuffer>) => boolean,
    maxBytes: number = Infinity,
  ): Promise<void> {
    const length = response.headers.get("content-length");
    // The length of what is compressed says nothing.
    const isSmall = length !== null && Number(length) <= Math.min(SMALL_BODY_BYTES, maxBytes) &&
      !response.headers.has("content-encoding");
    // Before `body` is looked at, which makes a stream.
    if (isSmall || response.body === null) {
      take(new Uint8Array(await this.#wait(patience, response.arrayBuffer(), LIFE_MS)));
      return;
    }
    const reader = response.body.getReader();
    let byteLength = 0;
    try {
      if (Number(length) > maxBytes) throw this.tooLarge(`${length} bytes`);
      while (true) {
        const { done, value } = await this.#wait(patience, reader.read(), LIFE_MS);
        if (done) return;
        this.options.health.heard();
        byteLength += value.byteLength;
        if (byteLength > maxBytes) throw this.tooLarge(`${byteLength} bytes and no end`);
        if (take(value)) return;
      }
    } finally {
      // Of no effect if the body has ended.
      reader.cancel().catch(() => {});
    }
  }

  /**
   * Throws what a reply says that brings no messages.
   *
   * @throws {GroupCacheError} With what the peer answered instead.
   */
  async fail(response: Response, patience: Patience): Promise<never> {
    if (response.status !== 200) {
      throw this.errorOf(response, await this.startOf(response, patience, MAX_NOTE_BYTES));
    }
    response.body?.cancel().catch(() => {});
    const type = response.headers.get("content-type");
    throw this.failure(`expected ${PROTOBUF}: received ${type}`);
  }

  /** Whether a reply brings messages. */
  holdsMessages(response: Response): boolean {
    if (response.status !== 200) return false;
    const type = response.headers.get("content-type");
    // A proxy may have put parameters behind it.
    return type === PROTOBUF || type?.split(";", 1)[0]?.trim() === PROTOBUF;
  }

  /** The value that a message holds. */
  valueOf(message: GetResponse): EncodedValue {
    const { value, expiresAtMs = Infinity, minuteQps, error } = message;
    if (error !== undefined) throw this.#answer(error, message.message ?? "no reason given");
    if (value === undefined) throw this.failure("received a reply without a value");
    if (value.byteLength > this.options.limits.maxValueBytes) {
      throw this.tooLarge(`a value of ${value.byteLength} bytes`);
    }
    return { view: viewOf(value), expiresAtMs, minuteQps };
  }

  /** What a reply without a value says. */
  errorOf(response: Response, body: Uint8Array): GroupCacheError {
    const why = new TextDecoder().decode(body.subarray(0, 1024)).trim() || "no reason given";
    const code = response.headers.get(ERROR);
    if (code !== null) return this.#answer(code, why);
    if (this.options.trustsGoStatus && !response.headers.has(VERSION)) {
      // What Go also says with a 404, while a deploy is under way.
      const lacksGroup = why.startsWith("no such group: ");
      if (response.status === 404 && !lacksGroup) return this.#answer("not-found", why);
      if (response.status === 503) return this.#answer("load-failed", why);
    }
    return this.failure(`received status ${response.status}: ${why}`);
  }

  /** What was thrown while the peer was asked, as an error that `Peer` allows. */
  toFailure(thrown: unknown): GroupCacheError {
    return thrown instanceof GroupCacheError ? thrown : this.failure(messageOf(thrown), thrown);
  }

  /** That a reply brings a value that is too large, which says nothing of other keys. */
  tooLarge(received: string): GroupCacheError {
    const { maxValueBytes } = this.options.limits;
    return valueTooLarge(`take the reply of peer ${this.url}`, received, maxValueBytes);
  }

  /** That the peer could not be asked. */
  failure(why: string, cause?: unknown): GroupCacheError {
    return new GroupCacheError("peer-failed", `Cannot ask peer ${this.url}: ${why}`, { cause });
  }

  #answer(code: string, why: string): GroupCacheError {
    if (isErrorCode(code) && ANSWERS.has(code)) return new GroupCacheError(code, why);
    return this.failure(`${code}: ${why}`);
  }
}
