import { quote } from "../errors.ts";
import type { Discovery } from "./discovery.ts";
import { baseUrl, validPeers } from "./peer_list.ts";
import { pollAs, type PollOptions } from "./poll.ts";
import { type DnsRecord, type DnsType, type NameServer, resolveDns } from "../runtime.ts";
import { checkPort, checkProtocol, checkText } from "./source_options.ts";

/**
 * Queries DNS records, as `Deno.resolveDns` does. Rejects if there are none.
 *
 * @param name The name to look up.
 * @param type The type of the records.
 * @param options `signal`: aborts when the answer is no longer needed.
 *
 * @example
 * ```ts
 * import { dns, type ResolveDns } from "@groupcache/groupcache/discovery";
 *
 * const resolve: ResolveDns = () => Promise.resolve(["10.0.0.1", "10.0.0.2"]);
 * const _peers = dns({ name: "cache.example.com", port: 8080, resolve });
 * ```
 */
export type ResolveDns = (
  name: string,
  type: DnsType,
  options: { signal: AbortSignal },
) => Promise<readonly DnsRecord[]>;

/**
 * Options for {@linkcode dns}.
 *
 * @example
 * ```ts
 * import { dns, type DnsOptions } from "@groupcache/groupcache/discovery";
 *
 * const options: DnsOptions = { name: "cache.example.com", type: "AAAA", port: 8080, intervalMs: 5000 };
 * const _peers = dns(options);
 * ```
 */
export interface DnsOptions extends PollOptions {
  /**
   * The fully qualified name to look up: `cache.default.svc.cluster.local`, or for SRV
   * `_http._tcp.cache.default.svc.cluster.local`. The hosts file is not consulted.
   */
  name: string;
  /**
   * The type of the records. A and AAAA records hold addresses, SRV records host names and ports.
   *
   * @default "A"
   */
  type?: DnsType;
  /**
   * The port on which all peers listen. Required for A and AAAA; SRV records contain it.
   *
   * @default none
   */
  port?: number;
  /**
   * The protocol of the peers' URLs.
   *
   * @default "http"
   */
  protocol?: "http" | "https";
  /**
   * The name server to query.
   *
   * @default those of the system
   */
  server?: NameServer;
  /**
   * The function that queries the records.
   *
   * @default Deno.resolveDns, or node:dns where that is missing
   */
  resolve?: ResolveDns;
}

/**
 * Finds peers in DNS: the addresses of a name, such as that of a headless service, or its SRV records of
 * any priority, queried every `intervalMs`. A name that does not exist or has no records counts as a
 * failure. An SRV record with port 0 is left out and reported.
 *
 * @throws {TypeError} If an option has the wrong type.
 * @throws {RangeError} If a number is out of range, or `port` is missing for A or AAAA.
 *
 * @example
 * ```ts
 * import { dns } from "@groupcache/groupcache/discovery";
 * import { assertEquals } from "@std/assert";
 *
 * const peers = dns({
 *   name: "cache.default.svc.cluster.local",
 *   port: 8080,
 *   resolve: () => Promise.resolve(["10.0.0.2", "10.0.0.1"]), // Replaces the name server here.
 * });
 *
 * for await (const list of peers) {
 *   assertEquals(list, ["http://10.0.0.1:8080", "http://10.0.0.2:8080"]);
 *   break;
 * }
 * ```
 */
export function dns(options: DnsOptions): Discovery {
  const {
    name,
    type = "A",
    port = 0,
    protocol = "http",
    server,
    resolve = (name, type, { signal }) => resolveDns(name, type, { server, signal }),
  } = options;
  checkText("dns", "name", name);
  if (!["A", "AAAA", "SRV"].includes(type)) {
    throw new TypeError(
      `Cannot create dns: type must be "A", "AAAA" or "SRV": received ${quote(type)}`,
    );
  }
  if (type !== "SRV") checkPort("dns", "port", port);
  checkProtocol("dns", protocol);
  if (server !== undefined) {
    checkText("dns", "server.host", server.host);
    checkPort("dns", "server.port", server.port);
  }
  return pollAs("dns", async ({ signal, report }) => {
    const records = await resolve(name, type, { signal });
    const peers = records.flatMap((record) => {
      if (typeof record === "string") return [baseUrl(protocol, record, port)];
      const target = record.target.replace(/\.$/, "").toLowerCase();
      // The root as target means that the service is not available.
      return target === "" ? [] : [baseUrl(protocol, target, record.port)];
    });
    return validPeers(peers, report);
  }, options);
}
