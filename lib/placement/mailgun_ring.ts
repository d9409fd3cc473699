import { crc32 } from "./crc32.ts";
import { fnv1, fnv1a } from "./fnv.ts";
import { hashRing, type HashRingOptions } from "./hash_ring.ts";
import { md5Hex } from "./md5.ts";
import type { Placement } from "./placement.ts";

/**
 * Creates the ring of `github.com/mailgun/groupcache/v2`, for clusters in which some processes run
 * it. Peers must be written as they are there, with scheme and port: `http://10.0.0.1:8080`.
 *
 * Its default hash, FNV-1, assigns nearly all keys that differ only in their last three digits to one
 * peer; FNV-1a does so with keys that differ only in the last two. If you can configure a better hash
 * in the Go processes, such as crc32 or xxHash, pass the same one here.
 *
 * @throws {RangeError} If `replicas` is not a positive integer.
 * @throws {TypeError} If `hash` is neither a function nor the name of one.
 *
 * @example
 * ```ts
 * import { mailgunRing } from "@groupcache/groupcache/placement";
 * import { assertEquals } from "@std/assert";
 *
 * const ring = mailgunRing({ hash: "crc32", replicas: 100 });
 * const peersOf = ring.rank(["http://10.0.0.1:8080", "http://10.0.0.2:8080"]);
 *
 * assertEquals([...peersOf("user:42")], ["http://10.0.0.2:8080", "http://10.0.0.1:8080"]);
 * ```
 */
export function mailgunRing(
  options: HashRingOptions<"fnv1" | "fnv1a" | "crc32"> = {},
): Placement {
  return hashRing({
    name: "mailgun-ring",
    hashes: { fnv1, fnv1a, crc32 },
    defaultHash: "fnv1",
    identify: (peer) => peer,
    pointOf: (identity, replica) => md5Hex(`${replica}${identity}`),
    dialect: "mailgun",
  }, options);
}
