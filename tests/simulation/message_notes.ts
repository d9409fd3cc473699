import type { ExchangeOptions } from "./exchange.ts";
import type { Endpoint, Network } from "./network.ts";

/** Keys of the simulation, wherever they stand in a message: of one digit, as others may follow. */
const KEYS = /key\d/g;

/** A value, which names its key and itself. */
const VALUE = /key\d+ (\d+) /;
const VALUES = new RegExp(VALUE, "g");

/** A hello that tells to drop everything. */
const RESET = /"reset":\{/;

const decoder = new TextDecoder("latin1");

/** What the trace and the rules are told of one request. */
export class MessageNotes {
  /** The request in words. */
  readonly what: string;
  readonly #network: Network;
  readonly #options: ExchangeOptions;
  /** The keys that the request is about. */
  readonly #keys: readonly string[];
  /** The value that the request sets. */
  readonly #valueId: number | undefined;
  readonly #isReset: boolean;
  readonly #sentAtMs: number;
  /** When values that a long body sets were sent, by what they name themselves. */
  readonly #sentAtMsOf = new Map<number, number>();

  constructor(network: Network, options: ExchangeOptions) {
    const { origin, input, init } = options;
    this.#network = network;
    this.#options = options;
    const path = new URL(input).pathname;
    const body = textOf(init.body);
    this.#keys = keysIn(`${path} ${body}`);
    const [, id] = init.method === "PUT" && VALUE.exec(body) || [];
    this.#valueId = id === undefined ? undefined : Number(id);
    this.#isReset = RESET.test(body);
    this.#sentAtMs = network.sentAtMs(init);
    const rest = path.startsWith("/_groupcache/") ? path.slice(13) : path;
    const peek = "groupcache-peek" in (init.headers ?? {}) ? " peek" : "";
    const listed = rest.includes("key") ? "" : ` ${this.#keys.join(",")}`;
    const server = network.find(origin)?.name ?? origin;
    this.what = `${init.method ?? "GET"}${peek} ${rest}${listed} of ${server}`;
  }

  /** Adds a line about the request to the trace. */
  note(what: string, who: string = this.#options.client.name): void {
    const { scheduler, trace } = this.#network;
    const keys = this.#keys.length > 0 ? { keys: this.#keys } : {};
    trace.add({ atMs: scheduler.nowMs, who, what, ...keys });
  }

  /** Adds a line about a part of a long body, if there are keys in it. */
  noteChunk(what: string, bytes: Uint8Array, who: string): void {
    const keys = keysIn(decoder.decode(bytes));
    if (keys.length === 0) return;
    const { scheduler, trace } = this.#network;
    const line = `${what} over a channel: ${keys.join(",")}`;
    trace.add({ atMs: scheduler.nowMs, who, what: line, keys });
  }

  /** Tells the rules whether the request has reached the process that it was sent to. */
  watch(hasArrived: boolean): void {
    const { client, origin: url, init: { method = "GET" } } = this.#options;
    this.#network.watch.sent({ client, url, method, keys: this.#keys, hasArrived });
  }

  /** Tells the rules that a process begins to deal with the request. */
  served(by: Endpoint): void {
    if (this.#isReset) this.#network.watch.reset(by);
  }

  /** Tells the rules that the process that it was sent to has dealt with it. */
  applied(): void {
    const { scheduler, watch } = this.#network;
    if (this.#valueId !== undefined) watch.set(this.#valueId, scheduler.nowMs - this.#sentAtMs);
  }

  /** Records when values were sent in a part of a long body. */
  sentChunk(bytes: Uint8Array): void {
    for (const id of valuesIn(bytes)) this.#sentAtMsOf.set(id, this.#network.scheduler.nowMs);
  }

  /** As `applied`, of the values that a part of a long body sets. */
  appliedChunk(bytes: Uint8Array): void {
    const { scheduler, watch } = this.#network;
    for (const id of valuesIn(bytes)) {
      watch.set(id, scheduler.nowMs - (this.#sentAtMsOf.get(id) ?? scheduler.nowMs));
    }
  }

  /** Tells the rules of a reply that has arrived. */
  answered(body: Uint8Array | undefined): void {
    if (body !== undefined && RESET.test(decoder.decode(body))) {
      this.#network.watch.reset(this.#options.client);
    }
  }
}

function keysIn(text: string): string[] {
  return [...new Set(text.match(KEYS))];
}

function valuesIn(bytes: Uint8Array): number[] {
  return [...decoder.decode(bytes).matchAll(VALUES)].map(([, id]) => Number(id));
}

function textOf(body: RequestInit["body"]): string {
  if (body instanceof Uint8Array) return decoder.decode(body);
  return typeof body === "string" ? body : "";
}
