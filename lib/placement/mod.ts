/**
 * Decides which processes a key belongs to. The default, rendezvous hashing, is also in the main
 * module. The rings are bit-exact copies of those of the Go modules, for clusters that include Go
 * processes.
 *
 * @example
 * ```ts
 * import { GroupCache } from "@groupcache/groupcache";
 * import { mailgunRing } from "@groupcache/groupcache/placement";
 * import { assertEquals } from "@std/assert";
 *
 * await using cache = new GroupCache({
 *   self: "http://10.0.0.1:8080",
 *   peers: ["http://10.0.0.1:8080", "http://10.0.0.2:8080"], // The second may be a Go process.
 *   placement: mailgunRing({ hash: "fnv1a", replicas: 512 }),
 * });
 * assertEquals(cache.peers.length, 2);
 * ```
 *
 * @module
 */

export { golangRing } from "./golang_ring.ts";
export { groupcacheGoRing } from "./groupcache_go_ring.ts";
export type { HashRingOptions, RingHash } from "./hash_ring.ts";
export { mailgunRing } from "./mailgun_ring.ts";
export type { GoDialect, Placement } from "./placement.ts";
export { rendezvous } from "./rendezvous.ts";
