import type { Clock } from "../../lib/timing/clock.ts";

/** An instance of a service, as its agent knows it. */
export interface Instance {
  address: string;
  port: number;
  nodeAddress?: string;
  status?: "passing" | "warning" | "critical";
  tags?: string[];
}

/**
 * A Consul agent, as its API documentation has it: `GET /v1/health/service/:service` with
 * `passing`, `tag`, `dc`, `index` and `wait`, the header `X-Consul-Index`, and tokens.
 */
export class FakeConsul {
  /** Every URL that was asked for. */
  readonly urls: URL[] = [];
  /** The token that must be sent, if any. */
  token: string | undefined;
  index = 10;
  #clock: Clock;
  #instances: readonly Instance[] = [];
  #changed = Promise.withResolvers<void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Changes what is registered; the index goes on, or to where it is put. */
  set(instances: readonly Instance[], index: number = this.index + 1): void {
    this.#instances = instances;
    this.index = index;
    this.wake();
  }

  /** Answers all queries that wait, as Consul may at any time without a change. */
  wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  readonly serve = async (request: Request): Promise<Response> => {
    const url = new URL(request.url);
    this.urls.push(url);
    if (url.pathname !== "/v1/health/service/cache") {
      return Response.json([], { headers: { "x-consul-index": "1" } });
    }
    if ((request.headers.get("x-consul-token") ?? undefined) !== this.token) {
      return new Response("Permission denied: token lacks service:read", { status: 403 });
    }
    const query = url.searchParams;
    if (query.has("dc") && query.get("dc") !== "dc1") {
      return new Response("No path to datacenter", { status: 500 });
    }
    const index = Number(query.get("index") ?? 0);
    if (index > 0 && index >= this.index) await this.#change(query.get("wait") ?? "300s");
    const tag = query.get("tag");
    const entries = this.#instances
      .filter(({ status = "passing" }) => !query.has("passing") || status === "passing")
      .filter(({ tags = [] }) => tag === null || tags.includes(tag))
      .map(({ address, port, nodeAddress = "10.9.9.9", status = "passing", tags = [] }, i) => ({
        Node: { ID: `node-${i}`, Node: `node-${i}`, Address: nodeAddress, Datacenter: "dc1" },
        Service: { ID: `cache-${i}`, Service: "cache", Tags: tags, Address: address, Port: port },
        Checks: [{ CheckID: "serfHealth", Status: status }],
      }));
    return Response.json(entries, { headers: { "x-consul-index": String(this.index) } });
  };

  async #change(wait: string): Promise<void> {
    const seconds = Number(/^(\d+)s$/.exec(wait)?.[1]);
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#clock.setTimeout(resolve, seconds * 1000);
    await Promise.race([promise, this.#changed.promise]);
    this.#clock.clearTimeout(timer);
  }
}
