/**
 * Support for testing programs that use the cache: a cluster in one process, without sockets, with a
 * virtual clock and injected faults.
 *
 * @example
 * ```ts
 * import { Cluster } from "@groupcache/groupcache/testing";
 * import { assertEquals } from "@std/assert";
 *
 * await using cluster = new Cluster(3);
 * const [first, second] = cluster.caches.map((cache) =>
 *   cache.group("numbers", { maxBytes: 1 << 20, load: () => "42" })
 * );
 * cluster.setFault(2, "hang");
 * const view = await cluster.clock.until(first!.get("answer"));
 * assertEquals(view.text(), "42");
 * assertEquals((await cluster.clock.until(second!.get("answer"))).text(), "42");
 * ```
 *
 * @module
 */

export { Cluster } from "./cluster.ts";
export type { ClusterOptions } from "./cluster.ts";
export type { Fault } from "./fault.ts";
export { VirtualClock } from "./virtual_clock.ts";
