import { assertEquals } from "@std/assert";
import { borrowBytes, ByteView } from "../../../lib/byte_view.ts";
import { GroupCacheError, type GroupCacheErrorCode } from "../../../lib/errors.ts";
import type { ChangeReceiver } from "../../../lib/http/server/endpoint.ts";
import { PeerHandler } from "../../../lib/http/server/handler.ts";
import type { BorrowedValue, EncodedValue, Peer, PeerBackend } from "../../../lib/peer/peer.ts";
import { fakePeer } from "../../fake_peer.ts";
import type { Hello } from "../../../lib/wire/hello.ts";
import { checkLimits } from "../../../lib/http/peer_limits.ts";
import { ANYBODY, openDoor, PEER } from "./open_door.ts";
import { VirtualClock } from "../../../lib/testing/virtual_clock.ts";
import { FrameDecoder } from "../../../lib/wire/frames.ts";
import { decodeGetResponse, type GetResponse } from "../../../lib/wire/get_response.ts";
import { encodeSetRequest } from "../../../lib/wire/set_request.ts";
import { fakeChanges } from "../../fake_changes.ts";

export const BASE = "/_groupcache/";

export const NOW_MS = 1_700_000_000_000;

/** How often per minute the fake group says that a key is asked for. */
export const RATE = 12.5;

export const MAX_VALUE_BYTES = 1000;

export function valueOf(text: string, expiresAtMs: number = Infinity): EncodedValue {
  return { view: new ByteView(text), expiresAtMs };
}

export interface FakeLoad {
  key: string;
  signal: AbortSignal;
  resolve: (value: EncodedValue) => void;
  reject: (error: unknown) => void;
}

/** A group whose loads the test settles. As the real one it rejects when the signal aborts. */
export class FakeGroup implements PeerBackend {
  loadsTogether = false;
  readonly values: Map<string, EncodedValue> = new Map();
  readonly loads: FakeLoad[] = [];
  readonly counted: string[] = [];
  readonly dropped: string[] = [];
  readonly taken: string[] = [];
  readonly handoffs: PromiseWithResolvers<void> = Promise.withResolvers();
  onLoad = (): void => {};

  count(key: string): number {
    this.counted.push(key);
    return RATE;
  }
  find(key: string): BorrowedValue | undefined {
    const { view, expiresAtMs = Infinity } = this.values.get(key) ?? {};
    return view && { value: borrowBytes(view), expiresAtMs };
  }
  hold(key: string): EncodedValue | undefined {
    return this.values.get(key);
  }
  load(key: string, signal: AbortSignal): Promise<EncodedValue> {
    this.onLoad();
    const { promise, resolve, reject } = Promise.withResolvers<EncodedValue>();
    signal.addEventListener("abort", () => reject(signal.reason));
    this.loads.push({ key, signal, resolve, reject });
    return promise;
  }
  put(key: string, value: EncodedValue): void {
    this.values.set(key, value);
  }
  async acceptHandoff(keys: readonly string[], from: Peer): Promise<void> {
    for (const key of keys) this.taken.push(`${key} of ${from.url}`);
    await this.handoffs.promise;
  }
}

export interface RequestOptions {
  method?: string;
  headers?: Record<string, string>;
  body?: Uint8Array<ArrayBuffer> | string | ReadableStream<Uint8Array<ArrayBuffer>>;
  duplex?: "half";
}

/** Says that a request comes from a process of our kind. */
export const OURS = { "groupcache-from": "someone" };

export const HELLO: Hello = {
  instance: "1",
  self: "http://peer:8080",
  peers: ["http://peer:8080"],
  placement: "rendezvous",
  isLeaving: false,
  hadGivenUp: false,
};

export class Setup {
  readonly clock: VirtualClock = new VirtualClock(NOW_MS);
  readonly group: FakeGroup = new FakeGroup();
  /** One that leaves, and one that does not. */
  readonly peers: Map<string, Peer> = new Map(
    ["http://giver:1", "http://stays:1"].map((url) => [url, fakePeer(url)]),
  );
  readonly handler: PeerHandler;

  constructor(
    {
      plusIsSpace = false,
      maxValueBytes = MAX_VALUE_BYTES,
      changes = {},
      authenticates = false,
      confirmTime,
    }: {
      plusIsSpace?: boolean;
      maxValueBytes?: number;
      changes?: Partial<ChangeReceiver>;
      authenticates?: boolean;
      /** Senders prove nothing if it is given. */
      confirmTime?: () => Promise<void> | undefined;
    } = {},
  ) {
    this.peers.get("http://giver:1")?.health.leaving();
    this.handler = new PeerHandler({
      ...openDoor(this.clock, confirmTime === undefined ? PEER : ANYBODY, authenticates),
      basePath: BASE,
      instanceId: "server",
      plusIsSpace,
      changes: fakeChanges((key) => this.group.dropped.push(key), changes),
      report: (question) => ({ question }),
      limits: checkLimits({ maxValueBytes }),
      checkOpen: () => {},
      confirmTime: confirmTime ?? (() => undefined),
      peer: (url) => this.peers.get(url),
      greet: (hello) => Promise.resolve({ ...HELLO, peers: [...HELLO.peers, hello.self] }),
      isLeaving: ({ health }) => Promise.resolve(health.isLeaving),
      group: (name) => {
        if (name === "closed") throw new GroupCacheError("closed", "Cannot use the cache");
        return name === "group" ? this.group : undefined;
      },
    });
  }

  async send(path: string, options: RequestOptions = {}, info?: unknown): Promise<Response> {
    const request = new Request(`http://peer:8080${path}`, options);
    const response = await this.handler.handle(request, info);
    if (response === undefined) throw new Error(`${path} was taken for no request of a peer`);
    return response;
  }

  /** Sends a request whose load does not settle by itself. */
  async ask(path: string, options: RequestOptions, info?: unknown): Promise<AskedReply> {
    const reply = new AskedReply(this.send(path, options, info));
    await this.clock.advance(0);
    return reply;
  }

  load(index: number = 0): FakeLoad {
    const load = this.group.loads[index];
    if (load === undefined) throw new Error("the group was not asked to load");
    return load;
  }
}

/** A reply that may not be there yet. */
export class AskedReply {
  response: Response | undefined;
  readonly promise: Promise<Response>;
  constructor(promise: Promise<Response>) {
    this.promise = promise;
    promise.then((response) => this.response = response);
  }
}

export async function framesOf(response: Response): Promise<GetResponse[]> {
  const frames = new FrameDecoder();
  const messages = frames.push(new Uint8Array(await response.arrayBuffer()));
  assertEquals(frames.push(Uint8Array.of(0)).length, 1, "the last message is whole");
  return messages.map(decodeGetResponse);
}

export function textOf(message: GetResponse): string | undefined {
  return message.value && new TextDecoder().decode(message.value);
}

export function assertHeaders(response: Response): void {
  assertEquals(response.headers.get("content-type"), "application/x-protobuf");
  assertEquals(response.headers.get("groupcache-version"), "1");
  assertEquals(response.headers.get("groupcache-error"), null);
}

export function assertFailure(response: Response, status: number, code: GroupCacheErrorCode): void {
  assertEquals(response.status, status);
  assertEquals(response.headers.get("groupcache-error"), code);
  assertEquals(response.headers.get("groupcache-version"), "1");
}

export const LONG: string = "k".repeat(65_537);

export function setRequest(
  key: string,
  value: string,
  expiresAtMs: number = Infinity,
): Uint8Array<ArrayBuffer> {
  return encodeSetRequest({
    group: "group",
    key,
    value: new TextEncoder().encode(value),
    expiresAtMs,
  });
}

export async function assertDone(response: Response): Promise<void> {
  // Go's clients reject 204.
  assertEquals(response.status, 200);
  assertEquals(response.headers.get("groupcache-version"), "1");
  assertEquals(await response.text(), "");
}

/** A setup whose `send` needs no `this`. */
export function bound(
  setup: Setup,
): { group: FakeGroup; clock: VirtualClock; send: Setup["send"] } {
  return { group: setup.group, clock: setup.clock, send: setup.send.bind(setup) };
}

export async function* read(response: Response): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for await (const chunk of response.body ?? []) yield chunk;
}

/** A value of so many bytes. */
export function valueOfSize(size: number): EncodedValue {
  return { view: new ByteView(new Uint8Array(size)), expiresAtMs: Infinity };
}
