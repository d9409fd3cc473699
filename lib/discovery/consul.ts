import type { Fetch } from "../runtime.ts";
import type { Discovery } from "./discovery.ts";
import { checkHttpUrl, request, withoutSlash } from "./http.ts";
import { baseUrl, type Protocol } from "./peer_list.ts";
import { source, type WatchContext, type Watcher } from "./source.ts";
import { checkMs, checkProtocol, checkText, type SourceOptions } from "./source_options.ts";

/** What {@linkcode consul} asks for. */
export interface ConsulOptions extends SourceOptions {
  /** The name under which all processes are registered with their agents. */
  service: string;
  /**
   * The base URL of an agent.
   *
   * @default "http://127.0.0.1:8500"
   */
  url?: string;
  /**
   * A token that may read the service and its nodes.
   *
   * @default none
   */
  token?: string;
  /**
   * A tag that instances must have.
   *
   * @default none
   */
  tag?: string;
  /**
   * The datacenter.
   *
   * @default the agent's
   */
  datacenter?: string;
  /**
   * How peers are spoken to: `"http"` or `"https"`.
   *
   * @default "http"
   */
  protocol?: "http" | "https";
  /**
   * How long a query may wait for a change, in milliseconds. Consul waits up to a sixteenth longer,
   * and at most 10 minutes. A connection that died unnoticed is noticed after that.
   *
   * @default 60000
   */
  waitMs?: number;
  /**
   * Sends the requests.
   *
   * @default globalThis.fetch
   */
  fetch?: Fetch;
}

/**
 * Peers from Consul: the instances of a service whose checks all pass, by queries that wait for
 * changes. Processes are registered by other means, such as a service definition of the agent.
 *
 * @throws {TypeError} If an option is not of its type.
 * @throws {RangeError} If a number is out of range.
 *
 * @example
 * ```ts
 * import { GroupCache } from "@groupcache/groupcache";
 * import { consul } from "@groupcache/groupcache/discovery";
 *
 * const self = "http://10.0.0.1:8080";
 * await using _cache = new GroupCache({ self, peers: consul({ service: "cache" }) });
 * ```
 */
export function consul(options: ConsulOptions): Discovery {
  const {
    service,
    url = "http://127.0.0.1:8500",
    token,
    tag,
    datacenter,
    protocol = "http",
    waitMs = 60_000,
    timeoutMs = 10_000,
    fetch = (input, init) => globalThis.fetch(input, init),
  } = options;
  checkText("consul", "service", service);
  checkHttpUrl("consul", "url", url);
  if (token !== undefined) checkText("consul", "token", token);
  if (tag !== undefined) checkText("consul", "tag", tag);
  if (datacenter !== undefined) checkText("consul", "datacenter", datacenter);
  checkProtocol("consul", protocol);
  checkMs("consul", "waitMs", waitMs, { min: 1000 });
  const query = new URLSearchParams({ passing: "true" });
  if (tag !== undefined) query.set("tag", tag);
  if (datacenter !== undefined) query.set("dc", datacenter);
  const checked: Query = {
    url: `${withoutSlash(url)}/v1/health/service/${encodeURIComponent(service)}?${query}`,
    headers: token === undefined ? {} : { "x-consul-token": token },
    protocol,
    waitMs,
    timeoutMs,
    fetch,
  };
  return source("consul", () => new ConsulWatcher(checked), options);
}

interface Query {
  url: string;
  headers: Record<string, string>;
  protocol: Protocol;
  waitMs: number;
  timeoutMs: number;
  fetch: Fetch;
}

interface HealthEntry {
  Node: { Address: string };
  Service: { Address?: string; Port: number };
}

/** A run is one query. The first one is answered at once, the others when something has changed. */
class ConsulWatcher implements Watcher {
  #query: Query;
  #index = 0;

  constructor(query: Query) {
    this.#query = query;
  }

  async run(context: WatchContext): Promise<void> {
    const { url, headers, protocol, waitMs, timeoutMs, fetch } = this.#query;
    const isWaiting = this.#index > 0;
    const wait = isWaiting ? `&index=${this.#index}&wait=${Math.round(waitMs / 1000)}s` : "";
    // Consul adds up to a sixteenth, so that clients do not come back all at once.
    const limitMs = isWaiting ? waitMs * 17 / 16 + timeoutMs : timeoutMs;
    const { index, entries } = await context.within(async (signal) => {
      const response = await request(fetch, url + wait, { headers, signal });
      const entries = await response.json() as HealthEntry[];
      return { index: Number(response.headers.get("x-consul-index")), entries };
    }, limitMs);
    // It goes backwards when Consul's state was restored, and would then wait for what is long past.
    // Without a positive one a query would not wait at all.
    this.#index = index < this.#index ? 0 : Math.max(1, index || 1);
    context.update(
      // An instance without an address of its own has its node's.
      entries.map(({ Node, Service }) =>
        baseUrl(protocol, Service.Address || Node.Address, Service.Port)
      ),
    );
  }
}
