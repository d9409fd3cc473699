import { crc32 } from "./crc32.ts";
import { fnv1, fnv1a } from "./fnv.ts";
import { hashRing, type HashRingOptions } from "./hash_ring.ts";
import { md5Hex } from "./md5.ts";
import type { Placement } from "./placement.ts";

/**
 * Creates the ring of `github.com/groupcache/groupcache-go/v3`, for clusters in which some processes
 * run it. That module identifies a peer by `host:port`, which is derived from its URL here:
 * `http://10.0.0.1:8080` is `10.0.0.1:8080`, and `http://10.0.0.1` is `10.0.0.1:80`.
 *
 * Its default hash, FNV-1, assigns nearly all keys that differ only in their last three digits to one
 * peer; FNV-1a does so with keys that differ only in the last two. If you can configure a better hash
 * in the Go processes, such as crc32 or xxHash, pass the same one here.
 *
 * If the points of two peers collide, version 3.2 gives the point to the last peer in the list, and so
 * does this ring. Later versions leave it to an unstable sort, so Go processes may disagree. Such a
 * collision is not to be expected with a 64-bit hash.
 *
 * @throws {RangeError} If `replicas` is not a positive integer.
 * @throws {TypeError} If `hash` is neither a function nor the name of one.
 *
 * @example
 * ```ts
 * import { groupcacheGoRing } from "@groupcache/groupcache/placement";
 * import { assertEquals } from "@std/assert";
 *
 * const peersOf = groupcacheGoRing().rank(["http://10.0.0.1:8080", "http://10.0.0.2:8080"]);
 *
 * assertEquals([...peersOf("user:42")], ["http://10.0.0.2:8080", "http://10.0.0.1:8080"]);
 * ```
 */
export function groupcacheGoRing(
  options: HashRingOptions<"fnv1" | "fnv1a" | "crc32"> = {},
): Placement {
  return hashRing({
    name: "groupcache-go-ring",
    hashes: { fnv1, fnv1a, crc32 },
    defaultHash: "fnv1",
    identify: addressOf,
    pointOf: (identity, replica) => md5Hex(`${replica}${identity}`),
    dialect: "mailgun",
  }, options);
}

/** The `host:port` of a base URL, as written there. */
function addressOf(peer: string): string {
  const url = /^(https?):\/\/(.+)$/i.exec(peer);
  if (url === null) return peer;
  const [, scheme = "", authority = ""] = url;
  if (/:\d+$/.test(authority)) return authority;
  return `${authority}:${scheme.toLowerCase() === "https" ? 443 : 80}`;
}
