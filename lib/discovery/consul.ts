import { quote } from "../errors.ts";
import type { Fetch } from "../runtime.ts";
import type { Discovery } from "./discovery.ts";
import { checkHttpUrl, readJson, request, withoutSlash } from "./http.ts";
import { baseUrl, type Protocol } from "./peer_list.ts";
import { source, type WatchContext, type Watcher } from "./source.ts";
import { checkMs, checkProtocol, checkText, type SourceOptions } from "./source_options.ts";

/**
 * Options for {@linkcode consul}.
 *
 * @example
 * ```ts
 * import { consul, type ConsulOptions } from "@groupcache/groupcache/discovery";
 *
 * const options: ConsulOptions = { service: "cache", tag: "blue", datacenter: "dc1" };
 * const _peers = consul(options);
 * ```
 */
export interface ConsulOptions extends SourceOptions {
  /** The name of the service under which all processes are registered. */
  service: string;
  /**
   * The base URL of an agent.
   *
   * @default "http://127.0.0.1:8500"
   */
  url?: string;
  /**
   * An ACL token with read access to the service and its nodes.
   *
   * @default none
   */
  token?: string;
  /**
   * A tag that instances must have.
   *
   * @default none: all instances
   */
  tag?: string;
  /**
   * The datacenter.
   *
   * @default that of the agent
   */
  datacenter?: string;
  /**
   * The protocol of the peers' URLs.
   *
   * @default "http"
   */
  protocol?: "http" | "https";
  /**
   * How long a query waits for a change, in milliseconds. Consul adds up to a sixteenth and waits for
   * at most 10 minutes. A connection that is lost silently is detected after this time.
   *
   * @default 60000
   */
  waitMs?: number;
  /**
   * The function that sends the requests.
   *
   * @default globalThis.fetch
   */
  fetch?: Fetch;
}

/**
 * Finds peers in Consul: the instances of a service whose checks all pass, by blocking queries. It does
 * not register the process: use a service definition of the agent, for example. An instance whose
 * address or port is invalid is left out and reported.
 *
 * @throws {TypeError} If an option has the wrong type.
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

/** An instance, as far as it is valid. */
interface HealthEntry {
  Node?: { Address?: string };
  Service?: { Address?: string; Port?: number };
}

/** A run is one query. The first is answered at once, the others when something has changed. */
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
    // Consul adds up to a sixteenth to keep clients from returning all at once.
    const limitMs = isWaiting ? waitMs * 17 / 16 + timeoutMs : timeoutMs;
    const { index, entries } = await context.within(async (signal) => {
      const response = await request(fetch, url + wait, { headers, signal });
      const entries = await readJson(response) as (HealthEntry | null)[];
      if (!Array.isArray(entries)) {
        throw new TypeError(`expected an array of instances: received ${quote(entries)}`);
      }
      return { index: Number(response.headers.get("x-consul-index")), entries };
    }, limitMs);
    // An index that goes backwards means that Consul's state was restored: waiting for the old one
    // would miss changes. A query without a positive index does not wait at all.
    this.#index = index < this.#index ? 0 : Math.max(1, index || 1);
    context.update(
      // An instance without an address of its own has that of its node.
      entries.map((entry) =>
        baseUrl(
          protocol,
          entry?.Service?.Address || entry?.Node?.Address,
          entry?.Service?.Port,
        )
      ),
    );
  }
}
