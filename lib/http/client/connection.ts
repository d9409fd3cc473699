import type { Auth } from "../../auth/auth.ts";
import type { Refusals } from "../../auth/refusals.ts";
import { GroupCacheError } from "../../errors.ts";
import type { PeerHealth } from "../../peer/health.ts";
import type { PeerCallOptions } from "../../peer/peer.ts";
import type { Fetch } from "../../runtime.ts";
import type { Clock } from "../../timing/clock.ts";
import type { Tracer } from "../../tracer.ts";
import type { DueQueue } from "../../timing/due_queue.ts";
import { encodeChangeNote } from "../../wire/change_note.ts";
import type { Dialect } from "../dialect.ts";
import {
  CHANGE,
  CHANNEL_MESSAGES,
  FROM,
  PEEK,
  PROTOBUF,
  TIMEOUT,
  TRACEPARENT,
} from "../headers.ts";
import { CHANNEL_PATH } from "../paths.ts";
import { KEEPALIVE_MS, type PeerLimits } from "../peer_limits.ts";
import { peerFailure, toPeerError } from "./failures.ts";
import type { Patience } from "./patience.ts";
import { ProvenFetch, type ProvenRequest } from "./proven_fetch.ts";
import { instanceOf, Reply } from "./reply.ts";
import type { RequestSemaphore } from "./request_semaphore.ts";

/** How often a peer that answers is reported, in milliseconds. */
const ANSWER_MS = 20_000;

/** Signs of life in a body are further apart than this only if something is wrong. */
const LIFE_MS = 4 * KEEPALIVE_MS;

/** How often a peer may use up the time of a load in one reply. */
const LOADS_IN_TURN = 3;

/** A request, apart from its URL and headers. */
export interface PeerRequest {
  readonly method: string;
  /** Text is JSON, bytes are messages. What says how much time is left is made when it is sent. */
  readonly body?: string | Uint8Array<ArrayBuffer> | (() => Uint8Array<ArrayBuffer>);
}

/** Sends requests to one peer, and reports their outcomes to its health. */
export class Connection {
  /** The peer's base URL. */
  readonly url: string;
  readonly options: PeerConnectionOptions;
  #isOurs = false;
  #offersChannel = false;
  #latencyMs = 0;
  #reportAtMs = -Infinity;
  #fetch: (path: string, request: ProvenRequest) => Promise<Response>;

  constructor(url: string, options: PeerConnectionOptions) {
    this.url = url;
    this.options = options;
    const { auth, fetch } = options;
    if (auth === undefined) this.#fetch = (path, request) => fetch(url + path, request);
    else {
      const { isRequired } = auth;
      const credentials = auth.credentialsFor(url);
      const proven = new ProvenFetch(url, { ...options, credentials, isRequired });
      this.#fetch = (path, request) => proven.send(path, request);
    }
  }

  /** Whether the last reply came from this implementation: such a peer takes keys in bodies. */
  get isOurs(): boolean {
    return this.#isOurs;
  }

  /** Whether the peer has said that it serves channels. */
  get offersChannel(): boolean {
    return this.#offersChannel;
  }

  /** How long the peer has recently taken to reply, in milliseconds. */
  get latencyMs(): number {
    return this.#latencyMs;
  }

  /** Whether the peer may run a Go implementation. */
  get mayBeGo(): boolean {
    return !this.#isOurs && this.options.dialect.mayBeGo;
  }

  /**
   * Sends a request, and has its reply read.
   *
   * @throws {GroupCacheError} As `Peer` says, unless the caller has left.
   */
  async exchange<Result>(
    path: string,
    request: PeerRequest,
    { loadTimeoutMs, peek, change, traceparent }: PeerCallOptions,
    patience: Patience,
    read: (reply: Reply) => Promise<Result>,
  ): Promise<Result> {
    const headers = this.#headers();
    if (loadTimeoutMs !== undefined && loadTimeoutMs < Infinity) {
      headers[TIMEOUT] = String(Math.ceil(loadTimeoutMs));
    }
    if (peek) headers[PEEK] = "1";
    if (traceparent !== undefined) headers[TRACEPARENT] = traceparent;
    if (change !== undefined) headers[CHANGE] = encodeChangeNote(change);
    if (request.body !== undefined) {
      headers["content-type"] = typeof request.body === "string" ? "application/json" : PROTOBUF;
    }
    const { signal } = patience;
    const { semaphore, clock } = this.options;
    if (!semaphore.tryAcquire()) await this.#acquire(patience);
    const startedAtMs = clock.now();
    let reply: Reply | undefined;
    try {
      try {
        const body = typeof request.body === "function" ? request.body() : request.body;
        const { method } = request;
        const init: ProvenRequest = {
          method,
          headers,
          redirect: "manual",
          signal,
          ...(body !== undefined && { body }),
        };
        const response = await this.#send(path, init, patience);
        const mostMs = this.#mostMs(loadTimeoutMs, peek);
        reply = this.#replyOf(response, patience, { askedAtMs: startedAtMs, mostMs });
      } finally {
        // The body may take as long as a load does, which must not hold up calls to other peers.
        semaphore.release();
      }
      this.#latencyMs += (clock.now() - startedAtMs - this.#latencyMs) / 8;
      this.#isOurs = reply.isOurs;
      if (reply.instance !== undefined) this.options.onMet(reply.instance);
      this.#offersChannel ||= reply.offersChannel;
      if (reply.isUp) this.answered(startedAtMs);
      return await read(reply);
    } catch (error) {
      if (!patience.callerLeft) this.#reportFailure(error, reply, startedAtMs);
      throw error;
    }
  }

  /**
   * Opens a channel: a request whose body and reply last until either side ends them. Resolves to the
   * body of the reply, and to the instance id of the process at its other end, if that says so.
   *
   * @throws If the peer, or a proxy in front of it, does not open one: `StaleChallenge` if another
   * attempt may succeed.
   */
  async open(
    body: ReadableStream<Uint8Array<ArrayBuffer>>,
    signal: AbortSignal,
  ): Promise<{ body: ReadableStream<Uint8Array<ArrayBuffer>>; instance: string | undefined }> {
    const headers = { ...this.#headers(), "content-type": CHANNEL_MESSAGES };
    const init = { method: "POST", headers, body, duplex: "half", redirect: "manual", signal };
    const path = this.options.basePath + CHANNEL_PATH;
    const response = await this.#fetch(path, init as ProvenRequest);
    if (response.status === 200 && response.headers.get("content-type") === CHANNEL_MESSAGES) {
      const instance = instanceOf(response);
      if (instance !== undefined) this.options.onMet(instance);
      if (response.body !== null) return { body: response.body, instance };
    }
    response.body?.cancel().catch(() => {});
    this.#offersChannel = false;
    throw peerFailure(this.url, `it opens no channel: received status ${response.status}`);
  }

  /** Records that the peer answered what it was sent at `sentAtMs`. */
  answered(sentAtMs: number): void {
    const { health, clock, onAnswer } = this.options;
    health.answered(sentAtMs, { showsLife: !this.mayBeGo });
    const nowMs = clock.now();
    if (!this.#isOurs || nowMs < this.#reportAtMs) return;
    this.#reportAtMs = nowMs + ANSWER_MS;
    onAnswer();
  }

  /** How much longer than a load its answer may take, in milliseconds. */
  get spareMs(): number {
    return Math.max(this.options.peerTimeoutMs, LIFE_MS);
  }

  #headers(): Record<string, string> {
    return { [FROM]: this.options.instanceId };
  }

  /** How long a reply without a value may take, in milliseconds: one of many keys loads them in turns. */
  #mostMs(loadTimeoutMs = Infinity, peek = false): number {
    const loadMs = peek ? this.spareMs : loadTimeoutMs;
    return LOADS_IN_TURN * loadMs + this.options.peerTimeoutMs;
  }

  #replyOf(
    response: Response,
    patience: Patience,
    { askedAtMs, mostMs }: { askedAtMs: number; mostMs: number },
  ): Reply {
    const { basePath, dialect, limits: { maxValueBytes }, health, clock } = this.options;
    return new Reply(response, {
      url: this.url,
      basePath,
      dialect,
      maxValueBytes,
      health,
      clock,
      askedAtMs,
      endsAtMs: askedAtMs + mostMs,
      wait: (part) => this.#wait(patience, part, LIFE_MS),
    });
  }

  #reportFailure(thrown: unknown, reply: Reply | undefined, startedAtMs: number): void {
    const error = toPeerError(this.url, thrown);
    // An error about a key is not a failure of the peer.
    const isAnswer = error.code !== "peer-failed" ||
      reply !== undefined && !reply.isOk && reply.isUp;
    if (isAnswer) return;
    const { health } = this.options;
    if (reply?.isClosed) health.closed(error);
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
   * A request on a kept connection that the peer had closed fails, and runtimes retry only a GET by
   * themselves. All requests between peers may be repeated.
   */
  #send(path: string, init: ProvenRequest, patience: Patience): Promise<Response> {
    const response = this.#wait(patience, this.#fetch(path, init));
    if (init.method === "GET") return response;
    return response.catch((error) => {
      if (patience.signal.aborted || error instanceof GroupCacheError) throw error;
      return this.#wait(patience, this.#fetch(path, init));
    });
  }

  /** Waits while the peer answers other requests, but no longer than its timeout. */
  #wait<T>(patience: Patience, answer: Promise<T>, leastMs = 0): Promise<T> {
    const { clock, peerTimeoutMs, health } = this.options;
    const startedAtMs = clock.now();
    const endMs = startedAtMs + Math.max(peerTimeoutMs, leastMs);
    return patience.wait(answer, Math.max(health.silenceLimitMs, leastMs), () => {
      // Once one request has given the peer up, the others stop waiting too.
      if (health.isOpen || health.isSilent(startedAtMs)) return 0;
      return Math.min(health.silenceLimitMs, endMs - clock.now());
    });
  }
}

/** Options for the {@linkcode Connection}s of a cache. */
export interface ConnectionOptions {
  fetch: Fetch;
  /** Authenticates this process and its peers to each other; undefined without the option `auth`. */
  auth: Auth | undefined;
  /** Reports replies without a valid proof. */
  refusals: Refusals;
  /** Bounds the number of requests under way to all peers. */
  semaphore: RequestSemaphore;
  /** Bounds the number of channels to all peers. */
  channelSlots: RequestSemaphore;
  /** Aborts when the cache is closed. */
  closing: AbortSignal;
  limits: PeerLimits;
  clock: Clock;
  /** Where calls wait for the end of a peer's silence. */
  silences: DueQueue;
  /** The path under which peers serve, with a slash at both ends. */
  basePath: string;
  /** The longest silence of a live peer, in milliseconds. */
  peerTimeoutMs: number;
  /** Identifies this process to its peers. */
  instanceId: string;
  /** How Go peers differ. */
  dialect: Dialect;
  /** Makes the spans of calls. */
  tracer?: Tracer;
}

/** Options for the {@linkcode Connection} to one peer. */
export interface PeerConnectionOptions extends ConnectionOptions {
  /** Learns how the requests go. */
  health: PeerHealth;
  /** Called from time to time when a peer of this implementation has answered. */
  onAnswer: () => void;
  /** Called with the instance id of the process that has replied. */
  onMet: (instance: string) => void;
}
