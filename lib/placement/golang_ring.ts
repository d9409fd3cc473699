import { crc32 } from "./crc32.ts";
import { hashRing, type HashRingOptions } from "./hash_ring.ts";
import type { Placement } from "./placement.ts";

/**
 * Creates the ring of `github.com/golang/groupcache`, for clusters in which some processes run it.
 * Peers must be written as they are there, with scheme and port: `http://10.0.0.1:8080`.
 *
 * @throws {RangeError} If `replicas` is not a positive integer.
 * @throws {TypeError} If `hash` is neither a function nor `"crc32"`.
 *
 * @example
 * ```ts
 * import { golangRing } from "@groupcache/groupcache/placement";
 * import { assertEquals } from "@std/assert";
 *
 * const peersOf = golangRing().rank(["http://10.0.0.1:8080", "http://10.0.0.2:8080"]);
 *
 * assertEquals([...peersOf("user:42")], ["http://10.0.0.1:8080", "http://10.0.0.2:8080"]);
 * ```
 */
export function golangRing(options: HashRingOptions<"crc32"> = {}): Placement {
  return hashRing({
    name: "golang-ring",
    hashes: { crc32 },
    defaultHash: "crc32",
    identify: (peer) => peer,
    pointOf: (identity, replica) => `${replica}${identity}`,
    dialect: "golang",
  }, options);
}
