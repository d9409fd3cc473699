import { Refusals } from "../../../lib/auth/refusals.ts";
import { assertEquals, assertInstanceOf } from "@std/assert";
import { ByteView } from "../../../lib/byte_view.ts";
import { GroupCacheError } from "../../../lib/errors.ts";
import type { Fetch } from "../../../lib/runtime.ts";
import { RequestSemaphore } from "../../../lib/http/client/request_semaphore.ts";
import { HttpPeer, type HttpPeerOptions } from "../../../lib/http/client/http_peer.ts";
import { checkLimits } from "../../../lib/http/peer_limits.ts";
import { DueQueue } from "../../../lib/timing/due_queue.ts";
import type { EncodedValue, PeerCallOptions } from "../../../lib/peer/peer.ts";
import { dialectOf } from "../../../lib/http/dialect.ts";
import { VirtualClock } from "../../../lib/testing/virtual_clock.ts";
import type { Hello } from "../../../lib/wire/hello.ts";
import {
  encodeGetResponse,
  encodeGetResponses,
  type GetResponse,
} from "../../../lib/wire/get_response.ts";

export type Bytes = Uint8Array<ArrayBuffer>;

export const URL = "http://peer:8080";

export const NOW_MS = 1_700_000_000_000;

export const LONG: string = "k".repeat(5000);

export const OURS = { "content-type": "application/x-protobuf", "groupcache-version": "1" };

/** As groupcache in Go replies. */
export const GO = { "content-type": "application/x-protobuf" };

export function utf8(text: string): Bytes {
  return new TextEncoder().encode(text);
}

/** Settles never, as a `fetch` may that ignores its signal. */
export const never = (): Promise<never> => new Promise<never>(() => {});

export interface Sent {
  url: string;
  method: string;
  headers: Headers;
  body: Bytes;
  signal: AbortSignal | null | undefined;
}

/** A peer at the other end of a `fetch` that the test makes up. */
export class Setup {
  readonly clock: VirtualClock = new VirtualClock(NOW_MS);
  readonly sent: Sent[] = [];
  readonly peer: HttpPeer;

  constructor(
    reply: (request: Sent, attempt: number) => Response | Promise<Response>,
    options: Partial<HttpPeerOptions> = {},
  ) {
    const fetch: Fetch = (url, init) => {
      const sent: Sent = {
        url,
        method: init?.method ?? "",
        headers: new Headers(init?.headers),
        body: typeof init?.body === "string" ? utf8(init.body) : init?.body as Bytes,
        signal: init?.signal,
      };
      this.sent.push(sent);
      return Promise.resolve(reply(sent, this.sent.length));
    };
    this.peer = new HttpPeer(URL, {
      fetch,
      auth: undefined,
      refusals: new Refusals(this.clock, () => {}),
      semaphore: new RequestSemaphore(128),
      channelSlots: new RequestSemaphore(64),
      closing: new AbortController().signal,
      limits: checkLimits({}),
      clock: this.clock,
      silences: new DueQueue({ clock: this.clock }),
      basePath: "/_groupcache/",
      peerTimeoutMs: 10_000,
      instanceId: "me",
      dialect: dialectOf(undefined),
      self: () => "http://me:8080",
      catchUp: () => undefined,
      random: () => 0,
      probe: () => Promise.resolve(false),
      onAnswer: () => {},
      onMet: () => {},
      onDown: () => {},
      onUp: () => {},
      ...options,
    });
  }

  get(key = "key", options?: PeerCallOptions): Promise<EncodedValue> {
    return this.peer.get("group", key, options);
  }

  /** The error of a call that is expected to fail, after as much virtual time as it takes. */
  async failure(call: Promise<unknown> = this.get()): Promise<GroupCacheError> {
    const error = await this.clock.until(call.then(() => undefined, (error) => error));
    assertInstanceOf(error, GroupCacheError);
    assertEquals(this.clock.pendingTimers, 0);
    return error;
  }

  /** The requests, without those by which the client finds out what the peer is. */
  get calls(): Sent[] {
    return this.sent.filter(({ url }) => url !== `${URL}/_groupcache/`);
  }
}

export function valueReply(
  text: string,
  message: GetResponse = {},
  headers: HeadersInit = OURS,
): Response {
  return new Response(encodeGetResponse({ ...message, value: utf8(text) }), { headers });
}

/** What a peer of our kind says about its base path. */
export function badRequest(): Response {
  const headers = { "groupcache-version": "1", "groupcache-error": "bad-key" };
  return new Response("Cannot parse path", { status: 400, headers });
}

/** A body that the test writes as it goes, and whether its reader has gone. */
export class SlowBody {
  isCancelled = false;
  #controller!: ReadableStreamDefaultController<Bytes>;
  readonly stream: ReadableStream<Bytes> = new ReadableStream({
    start: (controller) => {
      this.#controller = controller;
    },
    cancel: () => {
      this.isCancelled = true;
    },
  });
  write(bytes: Bytes): void {
    this.#controller.enqueue(bytes);
  }
  end(): void {
    this.#controller.close();
  }
  cut(error: Error): void {
    this.#controller.error(error);
  }
}

export function html(status: number, headers: Record<string, string> = {}): Response {
  return new Response("<h1>Bad Gateway</h1>", {
    status,
    headers: { "content-type": "text/html", ...headers },
  });
}

export function cutBody(bytes: Bytes): ReadableStream<Bytes> {
  const body = new SlowBody();
  body.write(bytes);
  queueMicrotask(() => body.cut(new TypeError("connection reset")));
  return body.stream;
}

export const WHOLE: Bytes = encodeGetResponse({
  value: utf8("hello"),
  expiresAtMs: NOW_MS,
  minuteQps: 1,
});

export const SILENT: { name: string; call: (setup: Setup) => Promise<unknown> }[] = [
  { name: "get", call: ({ peer }) => peer.get("group", "key") },
  { name: "remove", call: ({ peer }) => peer.remove("group", "key") },
  {
    name: "set",
    call: ({ peer }) =>
      peer.set("group", "key", { view: new ByteView("v"), expiresAtMs: Infinity }),
  },
];

/** A stream of `bytes` one by one. */
export function cut(bytes: Bytes): ReadableStream<Bytes> {
  return ReadableStream.from([...bytes].map((byte) => Uint8Array.of(byte)));
}

export const VALUE: EncodedValue = { view: new ByteView("hello"), expiresAtMs: NOW_MS + 5000 };

export function framed(messages: GetResponse[]): Response {
  return new Response(encodeGetResponses(messages), { headers: OURS });
}

export const HELLO: Hello = {
  instance: "1",
  self: URL,
  peers: [URL],
  placement: "rendezvous",
  isLeaving: false,
  hadGivenUp: false,
};
