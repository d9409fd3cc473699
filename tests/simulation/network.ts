import type { Fetch } from "@groupcache/groupcache";
import { Exchange } from "./exchange.ts";
import type { Gate } from "./gate.ts";
import { Links } from "./links.ts";
import type { NetworkPlan } from "./plan.ts";
import { draw } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Trace } from "./trace.ts";

/** A process as the network sees it. */
export interface Endpoint {
  readonly url: string;
  /** The URL's short form. */
  readonly name: string;
  readonly gate: Gate;
  serve(request: Request): Response | Promise<Response>;
}

/** What the rules are told of messages. */
export interface Watch {
  /** Whether a request has reached the process that it was sent to. */
  sent(message: {
    readonly client: Endpoint;
    readonly url: string;
    readonly method: string;
    readonly keys: readonly string[];
    readonly hasArrived: boolean;
  }): void;
  /** A message that sets a value has been applied, so long after it was first sent. */
  set(valueId: number, lateMs: number): void;
  /** A process is told to drop everything. */
  reset(endpoint: Endpoint): void;
}

/** How a {@linkcode Network} is made. */
export interface NetworkOptions {
  readonly seed: number;
  readonly plan: NetworkPlan;
  readonly scheduler: Scheduler;
  readonly trace: Trace;
  readonly watch: Watch;
}

/** Connects processes, in virtual time. What becomes of a message follows from seed and message. */
export class Network {
  readonly links: Links = new Links();
  readonly scheduler: Scheduler;
  readonly trace: Trace;
  readonly watch: Watch;
  #seed: number;
  #plan: NetworkPlan;
  #endpoints = new Map<string, Endpoint>();
  #exchanges = new Set<Exchange>();
  #counts = new Map<string, number>();
  /** When a body was first sent, in milliseconds: a request that fails may be sent again as it is. */
  #sentAtMs = new WeakMap<object, number>();
  #isHealed = false;

  constructor({ seed, plan, scheduler, trace, watch }: NetworkOptions) {
    this.#seed = seed;
    this.#plan = plan;
    this.scheduler = scheduler;
    this.trace = trace;
    this.watch = watch;
  }

  /** Puts a process at its URL, in place of the one before. */
  attach(endpoint: Endpoint): void {
    this.#endpoints.set(endpoint.url, endpoint);
  }

  /** The process at an origin. */
  find(origin: string): Endpoint | undefined {
    return this.#endpoints.get(origin);
  }

  /** Ends a process's connections, as its system does when it has died. */
  kill(endpoint: Endpoint): void {
    if (this.#endpoints.get(endpoint.url) === endpoint) this.#endpoints.delete(endpoint.url);
    for (const exchange of [...this.#exchanges]) exchange.processDied(endpoint);
  }

  /** Breaks the channels of a process, those to others and those from them. */
  breakChannels(endpoint: Endpoint, how: "reset" | "end"): void {
    for (const exchange of [...this.#exchanges]) {
      if (exchange.isChannelOf(endpoint)) exchange.breakChannel(how);
    }
  }

  /** From now on nothing is lost, doubled or slow. */
  heal(): void {
    this.#isHealed = true;
  }

  /** How many requests of a process have not come to an end. */
  openExchanges(endpoint: Endpoint): number {
    return [...this.#exchanges].filter(({ client }) => client === endpoint).length;
  }

  /** A `fetch` for one process. */
  fetchOf(client: Endpoint): Fetch {
    return (input, init = {}) => {
      const { method = "GET", body } = init;
      // The body of a channel cannot be sent again.
      if (body instanceof ReadableStream && body.locked) {
        return Promise.reject(new TypeError("the body was sent before"));
      }
      const { origin, pathname } = new URL(input);
      const about = `${client.url}>${origin} ${method} ${pathname}`;
      const count = (this.#counts.get(about) ?? 0) + 1;
      this.#counts.set(about, count);
      const exchange = new Exchange(this, { client, origin, input, init, id: `${about} ${count}` });
      this.#exchanges.add(exchange);
      return exchange.start();
    };
  }

  /** When the body of a request was first sent, in milliseconds; now if it never was. */
  sentAtMs({ body }: RequestInit): number {
    const { nowMs } = this.scheduler;
    if (typeof body !== "object" || body === null) return nowMs;
    const sentAtMs = this.#sentAtMs.get(body) ?? nowMs;
    this.#sentAtMs.set(body, sentAtMs);
    return sentAtMs;
  }

  /** Forgets an exchange that has come to an end. */
  ended(exchange: Exchange): void {
    this.#exchanges.delete(exchange);
  }

  /** A number from 0 to less than 1 for one question about a message. */
  draw(message: string, question: string): number {
    return draw(`${this.#seed} ${message} ${question}`);
  }

  /** How long a message is under way, in milliseconds. */
  latencyMs(message: string, question: string): number {
    const { minMs, meanMs, slowShare, slowMs } = this.#plan;
    const usualMs = minMs - Math.log(1 - this.draw(message, question)) * (meanMs - minMs);
    const isSlow = !this.#isHealed && this.draw(message, `${question} slow`) < slowShare;
    return usualMs + (isSlow ? slowMs : 0);
  }

  /** Whether a message is lost or breaks off on its way. */
  isLost(from: string, to: string, message: string): boolean {
    if (this.#isHealed) return false;
    const isChange = / (PUT|DELETE) /.test(message);
    const share = this.links.lossShare(from, to, { isChange });
    return share > 0 && this.draw(message, `lost from ${from}`) < share;
  }

  /** Whether a request arrives a second time. */
  isDoubled(message: string): boolean {
    return !this.#isHealed && this.draw(message, "doubled") < this.#plan.doubled;
  }
}
