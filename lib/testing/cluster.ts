import { GroupCache } from "../group_cache.ts";
import type { GroupCacheOptions } from "../group_cache_options.ts";
import type { Fault } from "./fault.ts";
import { MemoryNetwork } from "./memory_network.ts";
import { VirtualClock } from "./virtual_clock.ts";

/**
 * Options for the caches of a {@linkcode Cluster}: those that it does not set itself.
 *
 * @example
 * ```ts
 * import { Cluster, type ClusterOptions } from "@groupcache/groupcache/testing";
 *
 * const options: ClusterOptions = { hedge: true, handoffMs: 0 };
 * await using _cluster = new Cluster(3, options);
 * ```
 */
export type ClusterOptions = Omit<GroupCacheOptions, "self" | "peers" | "fetch" | "clock">;

/**
 * Several caches in one process, connected without sockets by the real client and the real handler, on
 * one virtual clock.
 *
 * @example A key has one owner; another cache takes over while that is down
 * ```ts
 * import { text } from "@groupcache/groupcache";
 * import { Cluster } from "@groupcache/groupcache/testing";
 * import { assertEquals } from "@std/assert";
 *
 * await using cluster = new Cluster(3);
 * let loads = 0;
 * const groups = cluster.caches.map((cache) =>
 *   cache.group("pages", { maxBytes: 1 << 20, codec: text, load: (key) => `page ${key} ${++loads}` })
 * );
 *
 * const pages = await Promise.all(groups.map((group) => group.get("index")));
 * assertEquals(pages, ["page index 1", "page index 1", "page index 1"]);
 *
 * const owner = cluster.caches.findIndex((_, index) => groups[index]?.stats().localLoads === 1);
 * cluster.setFault(owner, "refuse");
 * const other = groups[(owner + 1) % 3];
 * await other?.remove("index").catch(() => {}); // Rejects: the owner is down.
 * assertEquals(await other?.get("index"), "page index 2");
 * ```
 */
export class Cluster implements AsyncDisposable {
  /** The clock that all caches share. */
  readonly clock: VirtualClock = new VirtualClock();
  /** The caches. */
  readonly caches: readonly GroupCache[];
  /** Their base URLs, in the same order. */
  readonly urls: readonly string[];
  #network: MemoryNetwork;

  /**
   * Creates caches without groups.
   *
   * @param size The number of caches.
   * @param options Options for each cache.
   * @throws {RangeError} If `size` is not a positive integer.
   */
  constructor(size: number, options: ClusterOptions = {}) {
    if (!Number.isSafeInteger(size) || size < 1) {
      throw new RangeError(
        `Cannot create Cluster: size must be a positive integer: received ${size}`,
      );
    }
    this.#network = new MemoryNetwork(this.clock, options.basePath ?? "/_groupcache/");
    const { fetch } = this.#network;
    this.urls = Array.from({ length: size }, (_, index) => `http://peer-${index}:8080`);
    this.caches = this.urls.map((self) => {
      const cache = new GroupCache({
        log: false,
        ...options,
        self,
        peers: this.urls,
        fetch,
        clock: this.clock,
      });
      this.#network.listen(self, cache.fetch);
      return cache;
    });
  }

  /**
   * Injects a fault into all requests to a cache, or removes it.
   *
   * @param index The index of the cache.
   * @param fault The fault, or undefined for none.
   * @throws {RangeError} If there is no such cache.
   */
  setFault(index: number, fault: Fault | undefined): void {
    this.#network.setFault(this.#url(index), fault);
  }

  /**
   * Returns the number of requests that the other caches have sent to a cache, not counting hellos.
   *
   * @param index The index of the cache.
   * @throws {RangeError} If there is no such cache.
   */
  requestsTo(index: number): number {
    return this.#network.requestsTo(this.#url(index));
  }

  /** Closes all caches. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.caches.map((cache) => cache.close()));
  }

  #url(index: number): string {
    const url = this.urls[index];
    if (url !== undefined) return url;
    throw new RangeError(`Cannot find cache: there are ${this.urls.length}: received ${index}`);
  }
}
