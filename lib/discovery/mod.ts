/**
 * Sources of peer lists that change over time.
 *
 * All sources behave alike: an empty or failing system never empties a list, failures are reported,
 * retries back off exponentially with jitter, and changes in quick succession become one list, sorted
 * and without duplicates.
 *
 * @example
 * ```ts
 * import { GroupCache } from "@groupcache/groupcache";
 * import { poll } from "@groupcache/groupcache/discovery";
 *
 * const self = "http://10.0.0.1:8080";
 * const peers = poll(() => [self, "http://10.0.0.2:8080"]);
 *
 * await using cache = new GroupCache({ self, peers });
 * cache.addEventListener("discovery-error", ({ error }) => console.warn(error.message));
 * ```
 *
 * @module
 */

export type { Clock } from "../timing/clock.ts";
export type { Fetch } from "../runtime.ts";
export type { Discovery } from "./discovery.ts";
export { consul } from "./consul.ts";
export type { ConsulOptions } from "./consul.ts";
export { dns } from "./dns.ts";
export type { DnsOptions, ResolveDns } from "./dns.ts";
export { etcd } from "./etcd.ts";
export type { EtcdOptions } from "./etcd.ts";
export { kubernetes } from "./kubernetes.ts";
export type { KubernetesCredentials, KubernetesOptions } from "./kubernetes.ts";
export { poll } from "./poll.ts";
export type { FindPeers, PollOptions } from "./poll.ts";
export type { DnsRecord, DnsType, NameServer } from "../runtime.ts";
export type { SourceOptions } from "./source_options.ts";
