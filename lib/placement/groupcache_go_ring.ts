import { crc32 } from "./crc32.ts";
import { fnv1, fnv1a } from "./fnv.ts";
import { hashRing, type HashRingOptions } from "./hash_ring.ts";
import { md5Hex } from "./md5.ts";
import type { Placement } from "./placement.ts";

/**
 * The ring of `github.com/groupcache/groupcache-go/v3`, for clusters in which some processes run
 * it. There a peer is `host:port`, which its URL gives here: `http://10.0.0.1:8080` is
 * `10.0.0.1:8080`, and `http://10.0.0.1`, whose port goes without saying, `10.0.0.1:80`.
 *
 * Its default hash, FNV-1, puts nearly all keys that differ only in their last three digits on one
 * peer; FNV-1a, those that differ in the last two. Where the Go processes can be given a better one,
 * such as crc32 or xxHash, give the same here.
 *
 * Version 3.2 gives a place on which two peers' points fall to the last in the list, as this does.
 * Its later sources leave that to an unstable sort, so that Go processes may disagree. With a hash
 * of 64 bits no such place is to be expected.
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
  }, options);
}

/** `host:port` of a base URL, both as they are written there. */
function addressOf(peer: string): string {
  const url = /^(https?):\/\/(.+)$/i.exec(peer);
  if (url === null) return peer;
  const [, scheme = "", authority = ""] = url;
  if (/:\d+$/.test(authority)) return authority;
  return `${authority}:${scheme.toLowerCase() === "https" ? 443 : 80}`;
}
