import { BodyPipe } from "./body_pipe.ts";
import { bytesOf } from "./light_http.ts";
import type { Outage } from "./links.ts";
import { MessageNotes } from "./message_notes.ts";
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

/** The share of the pieces of a body that arrive in two. */
const SPLIT_SHARE = 0.05;

/** How long after its last whole piece a channel breaks at the latest, in milliseconds. */
const BREAK_MS = 100;

type Direction = "request" | "reply";

const encoder = new TextEncoder();

/** One request and its reply, on their way between two processes. */
export class Exchange {
  readonly client: Endpoint;
  readonly #network: Network;
  readonly #options: ExchangeOptions;
  readonly #notes: MessageNotes;
  readonly #outcome = Promise.withResolvers<Response>();
  #server: Endpoint | undefined;
  /** The body of the request, if it is a stream, and that of the reply. */
  #up: BodyPipe | undefined;
  #body: BodyPipe | undefined;
  #hasLeft = false;
  #isSettled = false;
  #hasEnded = false;
  /** Pieces of long bodies that have come to their end, or were lost. */
  #pieces = 0;
  /** How many pieces were sent, and when the last one arrives, in each direction. */
  #sent = { request: 0, reply: 0 };
  #arriveAtMs = { request: 0, reply: 0 };

  constructor(network: Network, options: ExchangeOptions) {
    this.client = options.client;
    this.#network = network;
    this.#options = options;
    this.#notes = new MessageNotes(network, options);
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
        splitAt: (bytes) => this.#splitAt("request", bytes),
      });
    }
    this.#inOrder("request", () => {
      this.#arrive(false);
      if (this.#up !== undefined || !this.#network.isDoubled(id)) return;
      // Whenever: a copy may outlive what came after it.
      const lateMs = this.#network.draw(id, "copy") ** 4 * 2000;
      this.#after("copy", () => this.#arrive(true), lateMs);
    });
    return this.#outcome.promise;
  }

  /** Tells that a process has died, whose connections its system then ends. */
  processDied(endpoint: Endpoint): void {
    if (endpoint === this.client) this.#leave(new Error("the process died"));
    else if (endpoint === this.#server) this.#fail("connection reset");
  }

  /** Whether it is a channel of a process. */
  isChannelOf(endpoint: Endpoint): boolean {
    return this.#up !== undefined && (endpoint === this.client || endpoint === this.#server);
  }

  /** Breaks a channel: in the middle of a piece, or in good order, as a proxy does whose time is up. */
  breakChannel(how: "reset" | "end"): void {
    this.#notes.note(`is to break, by ${how}: ${this.#notes.what}`);
    if (how === "end") return this.#endChannel();
    this.#up?.cut();
    this.#body?.cut();
    const lateMs = this.#network.draw(this.#options.id, "breaks") * BREAK_MS;
    this.#network.scheduler.after(lateMs, () => this.#fail("connection reset"));
  }

  #endChannel(): void {
    const server = this.#server;
    if (server === undefined || !this.#isSettled) return this.#fail("connection reset");
    this.#after("end for the server", () =>
      server.gate.enter(() => {
        this.#up?.finish();
        this.#body?.cancel();
      }));
    this.#after("end for the client", () =>
      this.client.gate.enter(() => {
        this.#end();
        this.#body?.finish();
        this.#up?.cancel();
      }));
  }

  /** The request is there. */
  #arrive(isCopy: boolean): void {
    const { client, origin, id } = this.#options;
    if (this.#hasLeft && this.#network.draw(id, "sent all the same") < 0.5) return;
    const outage = this.#outage(client.url, origin);
    if (outage !== undefined) {
      if (isCopy) return;
      if (outage === "refused") return this.#fail("connection refused");
      return this.#stall(client.url, origin, () => this.#afterOutage(() => this.#arrive(false)));
    }
    const server = this.#network.find(origin);
    if (server === undefined) return this.#fail("connection refused");
    let isCut = false;
    if (this.#network.isLost(client.url, origin, id)) {
      this.#notes.note(`lost on its way: ${this.#notes.what}`);
      this.#notes.watch(false);
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
    this.#notes.note(
      `${isCopy ? "a copy of " : ""}${client.name}'s ${this.#notes.what}`,
      server.name,
    );
    if (!isCut) this.#notes.watch(true);
    this.#notes.served(server);
    const response = await server.serve(this.#request(isCut));
    this.#notes.applied();
    // Nobody is there to take the reply.
    if (isCopy || isCut) return void response.body?.cancel().catch(() => {});
    const bytes = bytesOf(response);
    const body = new BodyPipe(bytes ?? response.body, {
      isGone: () => server.gate.isDead,
      send: (deliver, bytes) => this.#reply(server, deliver, bytes),
      splitAt: (bytes) => this.#splitAt("reply", bytes),
    });
    this.#body = body;
    if (this.#hasLeft) return this.#cancelBody(server);
    if (this.#network.isLost(server.url, client.url, id)) {
      const how = this.#network.draw(id, "how the reply is lost");
      this.#notes.note(`lost: the reply to ${this.#notes.what}`);
      if (how < 0.3) return;
      if (how < 0.6) return this.#fail("connection reset");
      body.cut();
    }
    this.#reply(server, () => {
      if (this.#isSettled) return;
      this.#notes.note(`${response.status} to ${this.#notes.what}`);
      this.#notes.answered(bytes);
      this.#isSettled = true;
      this.#outcome.resolve(
        replyOf(response, body.open((isOver) => this.#onBodyEnd(server, isOver))),
      );
    });
  }

  /** Sends more of the request's body. */
  #send(deliver: () => Uint8Array | undefined, bytes: Uint8Array): void {
    const { client, origin } = this.#options;
    this.#notes.sentChunk(bytes);
    this.#inOrder("request", () => {
      const server = this.#server;
      if (server === undefined || this.#hasEnded) return;
      const arrive = () => {
        server.gate.enter(() => {
          this.#notes.noteChunk(`${client.name} asks`, bytes, server.name);
          const delivered = deliver();
          if (delivered !== undefined) this.#notes.appliedChunk(delivered);
        });
      };
      if (this.#isPieceLost(client.url, origin)) return this.#loseAll(this.#up, arrive);
      const outage = this.#outage(client.url, origin);
      if (outage === undefined) arrive();
      else if (outage === "refused") this.#fail("connection reset");
      else this.#stall(client.url, origin, () => this.#afterOutage(arrive));
    });
  }

  /** Sends something back. */
  #reply(server: Endpoint, deliver: () => void, bytes?: Uint8Array): void {
    const { client } = this.#options;
    this.#inOrder("reply", () => {
      if (bytes !== undefined && this.#hasEnded) return;
      const arrive = () =>
        client.gate.enter(() => {
          if (bytes !== undefined && this.#up !== undefined) {
            this.#notes.noteChunk(`${server.name} answers`, bytes, client.name);
          }
          deliver();
        });
      if (bytes !== undefined && this.#isPieceLost(server.url, client.url)) {
        return this.#loseAll(this.#body, arrive);
      }
      const outage = this.#outage(server.url, client.url);
      if (outage === undefined) arrive();
      else if (outage === "refused") this.#fail("connection reset");
      else this.#stall(server.url, client.url, () => this.#afterOutage(arrive));
    });
  }

  /** A piece is lost, and its connection with it: half of the piece may have come through. */
  #loseAll(pipe: BodyPipe | undefined, arrive: () => void): void {
    if (this.#network.draw(this.#options.id, "how much is lost") < 0.5) {
      pipe?.cut();
      arrive();
    }
    this.#fail("connection reset");
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
        if (!this.#isSettled) this.#notes.note(`${why}: ${this.#notes.what}`);
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

  #after(question: string, run: () => void, lateMs = 0): void {
    const ms = this.#network.latencyMs(this.#options.id, question);
    this.#network.scheduler.after(ms + lateMs, run);
  }

  /** As `#after`, behind all that was sent in this direction before. */
  #inOrder(direction: Direction, run: () => void): void {
    const { scheduler } = this.#network;
    const ms = this.#network.latencyMs(
      this.#options.id,
      `${direction} ${this.#sent[direction]++}`,
    );
    const atMs = Math.max(scheduler.nowMs + ms, this.#arriveAtMs[direction]);
    this.#arriveAtMs[direction] = atMs;
    scheduler.at(atMs, run);
  }

  /** Whether a piece of a long body is lost, and its connection with it. */
  #isPieceLost(from: string, to: string): boolean {
    if (this.#up === undefined) return false;
    return this.#network.isLost(from, to, `${this.#options.id} ${this.#pieces++}`);
  }

  /** Where a piece is split in two, as connections do; 0 if it is not. */
  #splitAt(direction: Direction, { byteLength }: Uint8Array): number {
    if (byteLength < 2) return 0;
    const name = `${this.#options.id} ${this.#sent[direction]}`;
    if (this.#network.draw(name, `splits ${direction}`) >= SPLIT_SHARE) return 0;
    return 1 + Math.floor(this.#network.draw(name, "where it splits") * (byteLength - 1));
  }

  #outage(from: string, to: string): Outage | undefined {
    return this.#network.links.outage(from, to, { isChannel: this.#up !== undefined });
  }

  #stall(from: string, to: string, retry: () => void): void {
    this.#network.links.stall(from, to, { isChannel: this.#up !== undefined, retry });
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
