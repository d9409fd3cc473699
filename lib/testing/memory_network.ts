import type { Fault } from "./fault.ts";
import { MemoryChannel } from "./memory_channel.ts";
import type { Clock } from "../timing/clock.ts";
import type { Fetch } from "../runtime.ts";

/** Answers a request, as `GroupCache.fetch` does. */
export type Serve = (request: Request) => Response | Promise<Response>;

/** Connects servers and clients without sockets. */
export class MemoryNetwork {
  #clock: Clock;
  #uncounted: string | undefined;
  #servers = new Map<string, Serve>();
  #faults = new Map<string, Fault>();
  #requests = new Map<string, number>();

  /** @param uncounted A path whose requests are not counted. */
  constructor(clock: Clock, uncounted?: string) {
    this.#clock = clock;
    this.#uncounted = uncounted;
  }

  /** Adds a server at an origin. */
  listen(origin: string, serve: Serve): void {
    this.#servers.set(origin, serve);
  }

  /** Injects a fault into requests to an origin, or removes it. */
  setFault(origin: string, fault: Fault | undefined): void {
    if (fault === undefined) this.#faults.delete(origin);
    else this.#faults.set(origin, fault);
  }

  /** Returns the number of requests sent to an origin. */
  requestsTo(origin: string): number {
    return this.#requests.get(origin) ?? 0;
  }

  /** A `fetch` that reaches the servers of this network. */
  readonly fetch: Fetch = async (input, init) => {
    const { signal, ...rest } = init ?? {};
    signal?.throwIfAborted();
    const { origin, pathname } = new URL(input);
    const channel = rest.body instanceof ReadableStream ? this.#channelTo(origin) : undefined;
    // A channel takes many requests for values, and counts them itself.
    if (channel !== undefined) rest.body = channel.up(rest.body as ReadableStream);
    else if (pathname !== this.#uncounted) this.#count(origin, 1);
    const fault = this.#faults.get(origin);
    const serve = this.#servers.get(origin);
    if (serve === undefined || fault === "refuse") throw new TypeError("connection refused");

    const aborted = Promise.withResolvers<never>();
    aborted.promise.catch(() => {});
    signal?.addEventListener("abort", () => aborted.reject(signal.reason), { once: true });
    if (fault === "hang") return await aborted.promise;
    if (typeof fault === "object") {
      const wait = Promise.withResolvers<void>();
      const timer = this.#clock.setTimeout(wait.resolve, fault.delayMs);
      await Promise.race([wait.promise, aborted.promise])
        .finally(() => this.#clock.clearTimeout(timer));
    }
    const answered = Promise.resolve(serve(new Request(input, rest)));
    // A server notices that its client has left when it sends.
    aborted.promise.catch(async (reason) => {
      const response = await answered;
      if (!response.bodyUsed) await response.body?.cancel(reason);
    }).catch(() => {});
    const response = await Promise.race([answered, aborted.promise]);
    const { status, headers } = response;
    if (fault === "garbage") {
      await response.body?.cancel();
      return new Response(Uint8Array.of(255, 254, 253), { status, headers });
    }
    if (channel !== undefined && response.body !== null) {
      const body = channel.down(response.body, signal ?? undefined);
      return new Response(body, { status, headers });
    }
    const body = response.body && tether(response.body, signal ?? undefined, fault === "cut");
    return new Response(body, { status, headers });
  };

  #channelTo(origin: string): MemoryChannel {
    return new MemoryChannel({
      clock: this.#clock,
      fault: () => this.#faults.get(origin),
      onRequests: (count) => this.#count(origin, count),
    });
  }

  #count(origin: string, requests: number): void {
    this.#requests.set(origin, this.requestsTo(origin) + requests);
  }
}

/** Forwards a body until the client leaves, or only half of its first chunk if `isCut`. */
function tether(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  signal: AbortSignal | undefined,
  isCut: boolean,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader();
  return new ReadableStream({
    start(controller): void {
      signal?.addEventListener("abort", () => {
        controller.error(signal.reason);
        reader.cancel(signal.reason).catch(() => {});
      }, { once: true });
    },
    async pull(controller): Promise<void> {
      const { done, value } = await reader.read();
      if (signal?.aborted) return;
      if (done) return controller.close();
      if (!isCut) return controller.enqueue(value);
      controller.enqueue(value.slice(0, value.byteLength >> 1));
      controller.error(new TypeError("connection reset"));
      await reader.cancel();
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}
