import { quote } from "../errors.ts";
import type { Discovery } from "./discovery.ts";
import { baseUrl } from "./peer_list.ts";
import { pollAs, type PollOptions } from "./poll.ts";
import { type DnsRecord, type DnsType, type NameServer, resolveDns } from "../runtime.ts";
import { checkPort, checkProtocol, checkText } from "./source_options.ts";

/** Asks for DNS records, as `Deno.resolveDns` does. */
export type ResolveDns = (
  name: string,
  type: DnsType,
  options: { signal: AbortSignal },
) => Promise<readonly DnsRecord[]>;

/** What {@linkcode dns} asks for. */
export interface DnsOptions extends PollOptions {
  /**
   * The name whose records are the peers, in full: `cache.default.svc.cluster.local`, or for SRV
   * `_http._tcp.cache.default.svc.cluster.local`. Name servers are asked, no hosts file.
   */
  name: string;
  /**
   * Which records are asked for. A and AAAA tell addresses, SRV tells host names and ports.
   *
   * @default "A"
   */
  type?: DnsType;
  /** The port on which all peers listen. SRV records tell it themselves. */
  port?: number;
  /**
   * How peers are spoken to: `"http"` or `"https"`.
   *
   * @default "http"
   */
  protocol?: "http" | "https";
  /**
   * The name server to ask.
   *
   * @default those of the system
   */
  server?: NameServer;
  /**
   * Asks the name server in place of the runtime.
   *
   * @default Deno.resolveDns, or node:dns where that is missing
   */
  resolve?: ResolveDns;
}

/**
 * Peers from DNS: the addresses of a name, such as that of a headless service, or SRV records,
 * asked for every `intervalMs`. Records of any priority count. A name without records is taken for
 * a failure, as is one that does not exist.
 *
 * @throws {TypeError} If an option is not of its type.
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
 *   resolve: () => Promise.resolve(["10.0.0.2", "10.0.0.1"]), // Here, in place of a name server.
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
  return pollAs("dns", async ({ signal }) => {
    const records = await resolve(name, type, { signal });
    return records.flatMap((record) => {
      if (typeof record === "string") return [baseUrl(protocol, record, port)];
      const target = record.target.replace(/\.$/, "").toLowerCase();
      // The root as target says that there is no such service.
      return target === "" ? [] : [baseUrl(protocol, target, record.port)];
    });
  }, options);
}
