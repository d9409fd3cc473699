import { BodyPipe } from "./body_pipe.ts";
import type { Endpoint, Network } from "./network.ts";

/** A request under way. */
export interface ExchangeOptions {
  readonly client: Endpoint;
  readonly origin: string;
  readonly input: string;
  readonly init: RequestInit;
  /** Names the request among all of the run. */
  readonly id: string;
}

/** Keys of the simulation, wherever they stand in a message: of one digit, as others may follow. */
const KEYS = /key\d/g;

const decoder = new TextDecoder("latin1");
const encoder = new TextEncoder();

/** One request and its reply, on their way between two processes. */
export class Exchange {
  readonly client: Endpoint;
  readonly #network: Network;
  readonly #options: ExchangeOptions;
  readonly #keys: readonly string[];
  readonly #what: string;
  readonly #outcome = Promise.withResolvers<Response>();
  #server: Endpoint | undefined;
  /** The body of the request, if it is a stream, and that of the reply. */
  #up: BodyPipe | undefined;
  #body: BodyPipe | undefined;
  #hasLeft = false;
  #isSettled = false;
  #hasEnded = false;
  #chunks = 0;

  constructor(network: Network, options: ExchangeOptions) {
    const { client, origin, input, init } = options;
    this.client = client;
    this.#network = network;
    this.#options = options;
    const path = new URL(input).pathname;
    const { body } = init;
    const text = body instanceof Uint8Array ? decoder.decode(body) : body;
    this.#keys = [...new Set(`${path} ${text ?? ""}`.match(KEYS))];
    const rest = path.startsWith("/_groupcache/") ? path.slice(13) : path;
    const peek = "groupcache-peek" in (init.headers ?? {}) ? " peek" : "";
    const listed = rest.includes("key") ? "" : ` ${this.#keys.join(",")}`;
    this.#what = `${init.method ?? "GET"}${peek} ${rest}${listed} of ${
      network.find(origin)?.name ?? origin
    }`;
  }

  start(): Promise<Response> {
    const { signal } = this.#options.init;
    if (signal?.aborted) return Promise.reject(signal.reason);
    signal?.addEventListener("abort", () => this.#leave(signal.reason), { once: true });
    const { id, init: { body } } = this.#options;
    if (body instanceof ReadableStream) {
      this.#up = new BodyPipe(body as ReadableStream<Uint8Array<ArrayBuffer>>, {
        isGone: () => this.client.gate.isDead,
        send: (deliver, bytes) => this.#send(deliver, bytes),
      });
    }
    this.#after("request", () => this.#arrive(false));
    if (this.#up === undefined && this.#network.isDoubled(id)) {
      // Whenever: a copy may outlive what came after it.
      const lateMs = this.#network.draw(id, "copy") ** 4 * 2000;
      this.#after("copy", () => this.#arrive(true), lateMs);
    }
    return this.#outcome.promise;
  }

  /** Tells that a process has died, whose connections its system then ends. */
  processDied(endpoint: Endpoint): void {
    if (endpoint === this.client) this.#leave(new Error("the process died"));
    else if (endpoint === this.#server) this.#fail("connection reset");
  }

  /** The request is there. */
  #arrive(isCopy: boolean): void {
    const { client, origin, id } = this.#options;
    if (this.#hasLeft && this.#network.draw(id, "sent all the same") < 0.5) return;
    const { links } = this.#network;
    const outage = links.outage(client.url, origin);
    if (outage !== undefined) {
      if (isCopy) return;
      if (outage === "refused") return this.#fail("connection refused");
      return links.stall(client.url, origin, () => this.#afterOutage(() => this.#arrive(false)));
    }
    const server = this.#network.find(origin);
    if (server === undefined) return this.#fail("connection refused");
    let isCut = false;
    if (this.#network.isLost(client.url, origin, id)) {
      this.#note(`lost on its way: ${this.#what}`);
      this.#watch(false);
      const how = this.#network.draw(id, "how lost");
      if (how < 0.3) return;
      isCut = how < 0.6 && this.#options.init.body !== undefined;
      this.#fail("connection reset");
      if (!isCut) return;
    }
    if (!isCopy) this.#server = server;
    server.gate.enter(() => this.#serve(server, isCopy, isCut));
  }

  async #serve(server: Endpoint, isCopy: boolean, isCut: boolean): Promise<void> {
    const { client, id } = this.#options;
    this.#note(`${isCopy ? "a copy of " : ""}${client.name}'s ${this.#what}`, server.name);
    if (!isCut) this.#watch(true);
    const response = await server.serve(this.#request(isCut));
    // Nobody is there to take the reply.
    if (isCopy || isCut) return void response.body?.cancel().catch(() => {});
    const body = new BodyPipe(response.body, {
      isGone: () => server.gate.isDead,
      send: (deliver, bytes) => this.#reply(server, deliver, bytes),
    });
    this.#body = body;
    if (this.#hasLeft) return this.#cancelBody(server);
    if (this.#network.isLost(server.url, client.url, id)) {
      const how = this.#network.draw(id, "how the reply is lost");
      this.#note(`lost: the reply to ${this.#what}`);
      if (how < 0.3) return;
      if (how < 0.6) return this.#fail("connection reset");
      body.cut();
    }
    this.#reply(server, () => {
      if (this.#isSettled) return;
      this.#note(`${response.status} to ${this.#what}`);
      this.#isSettled = true;
      this.#outcome.resolve(
        replyOf(response, body.open((isOver) => this.#onBodyEnd(server, isOver))),
      );
    });
  }

  /** Sends more of the request's body. */
  #send(deliver: () => void, bytes: Uint8Array): void {
    const { client, origin } = this.#options;
    const { links } = this.#network;
    this.#after("request", () => {
      const server = this.#server;
      if (server === undefined || this.#hasEnded) return;
      if (this.#isChunkLost(client.url, origin)) return this.#fail("connection reset");
      const arrive = () => {
        server.gate.enter(() => {
          this.#noteChunk(`${client.name} asks`, bytes, server.name);
          deliver();
        });
      };
      const outage = links.outage(client.url, origin);
      if (outage === undefined) arrive();
      else if (outage === "refused") this.#fail("connection reset");
      else links.stall(client.url, origin, () => this.#afterOutage(arrive));
    });
  }

  /** Sends something back. */
  #reply(server: Endpoint, deliver: () => void, bytes?: Uint8Array): void {
    const { client } = this.#options;
    const { links } = this.#network;
    this.#after("reply", () => {
      const outage = links.outage(server.url, client.url);
      if (bytes !== undefined) {
        if (this.#hasEnded) return;
        if (this.#isChunkLost(server.url, client.url)) return this.#fail("connection reset");
        this.#noteChunk(`${server.name} answers`, bytes, client.name);
      }
      if (outage === undefined) client.gate.enter(deliver);
      else if (outage === "refused") this.#fail("connection reset");
      else {
        links.stall(
          server.url,
          client.url,
          () => this.#afterOutage(() => client.gate.enter(deliver)),
        );
      }
    });
  }

  /** What was sent into an outage comes late, or the connection is given up. */
  #afterOutage(retry: () => void): void {
    if (this.#network.draw(this.#options.id, "after the outage") < 0.5) this.#after("again", retry);
    else this.#fail("connection reset");
  }

  #request(isCut: boolean): Request {
    const { input, init } = this.#options;
    const { signal: _, body, ...rest } = init;
    if (body === undefined || body === null) return new Request(input, rest);
    if (this.#up !== undefined) {
      if (isCut) this.#up.cut();
      const up = this.#up.open();
      return new Request(input, { ...rest, body: up, duplex: "half" } as RequestInit);
    }
    const bytes = typeof body === "string"
      ? encoder.encode(body)
      : (body as Uint8Array<ArrayBuffer>).slice();
    const headers = new Headers(init.headers);
    headers.set("content-length", String(bytes.byteLength));
    if (!isCut) return new Request(input, { ...rest, headers, body: bytes });
    const broken = new ReadableStream({
      start(controller): void {
        controller.enqueue(bytes.slice(0, bytes.byteLength >> 1));
      },
      pull(controller): void {
        controller.error(new TypeError("connection reset"));
      },
    });
    return new Request(input, { ...rest, headers, body: broken, duplex: "half" } as RequestInit);
  }

  /** The client aborts, or is gone. */
  #leave(reason: unknown): void {
    if (this.#hasLeft || this.#hasEnded) return;
    this.#hasLeft = true;
    this.#isSettled = true;
    this.#outcome.reject(reason);
    this.#body?.fail(reason);
    if (this.#server === undefined) return this.#end();
    this.#cancelBody(this.#server);
  }

  /** The server hears that its client has gone. */
  #cancelBody(server: Endpoint): void {
    this.#end();
    this.#up?.cancel();
    this.#after("cancel", () =>
      server.gate.enter(() => {
        this.#up?.fail(new TypeError("connection reset"));
        this.#body?.cancel();
      }));
  }

  #end(): void {
    this.#hasEnded = true;
    this.#network.ended(this);
  }

  #onBodyEnd(server: Endpoint, isOver: boolean): void {
    if (isOver) this.#end();
    else this.#cancelBody(server);
  }

  #fail(why: string): void {
    this.#after("failure", () => {
      this.client.gate.enter(() => {
        this.#end();
        const error = new TypeError(why);
        if (!this.#isSettled) this.#note(`${why}: ${this.#what}`);
        this.#isSettled = true;
        this.#outcome.reject(error);
        this.#body?.fail(error);
        this.#up?.cancel();
        const server = this.#server;
        server?.gate.enter(() => {
          this.#up?.fail(error);
          if (this.#up !== undefined) this.#body?.cancel();
        });
      });
    });
  }

  #watch(hasArrived: boolean): void {
    const { client, origin: url, init: { method = "GET" } } = this.#options;
    this.#network.watch({ client, url, method, keys: this.#keys, hasArrived });
  }

  #after(question: string, run: () => void, lateMs = 0): void {
    const ms = this.#network.latencyMs(this.#options.id, question);
    this.#network.scheduler.after(ms + lateMs, run);
  }

  /** Whether a piece of a long body is lost, and its connection with it. */
  #isChunkLost(from: string, to: string): boolean {
    if (this.#up === undefined) return false;
    return this.#network.isLost(from, to, `${this.#options.id} ${this.#chunks++}`);
  }

  #noteChunk(what: string, bytes: Uint8Array, who: string): void {
    if (this.#up === undefined) return;
    const keys = [...new Set(decoder.decode(bytes).match(KEYS))];
    if (keys.length === 0) return;
    const { scheduler, trace } = this.#network;
    const line = `${what} over a channel: ${keys.join(",")}`;
    trace.add({ atMs: scheduler.nowMs, who, what: line, keys });
  }

  #note(what: string, who = this.client.name): void {
    const { scheduler, trace } = this.#network;
    const keys = this.#keys.length > 0 ? { keys: this.#keys } : {};
    trace.add({ atMs: scheduler.nowMs, who, what, ...keys });
  }
}

/** A reply as its client gets it, with the length of a body that is all there, as servers send it. */
function replyOf(
  { status, headers }: Response,
  body: Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>>,
): Response {
  const copy = new Headers(headers);
  if (body instanceof Uint8Array) copy.set("content-length", String(body.byteLength));
  return new Response(body, { status, headers: copy });
}
