import { quote } from "../errors.ts";
import type { GoDialect, Placement } from "./placement.ts";

/**
 * Hashes bytes, to at most 32 bits for golang/groupcache and at most 64 for the others. A hash of
 * more than 53 bits must be a `bigint`. The bytes are valid only until the function returns.
 *
 * @example
 * ```ts
 * import { mailgunRing, type RingHash } from "@groupcache/groupcache/placement";
 *
 * const sum: RingHash = (bytes) => bytes.reduce((sum, byte) => sum + byte, 0); // A poor hash.
 * const _ring = mailgunRing({ hash: sum });
 * ```
 */
export type RingHash = (bytes: Uint8Array) => number | bigint;

/**
 * Options for the rings of the Go modules.
 *
 * @example
 * ```ts
 * import { golangRing, type HashRingOptions } from "@groupcache/groupcache/placement";
 *
 * const options: HashRingOptions<"crc32"> = { replicas: 512 };
 * const _ring = golangRing(options);
 * ```
 */
export interface HashRingOptions<Named extends string> {
  /**
   * The number of points that each peer has on the ring; `Replicas` in Go.
   *
   * @default 50
   */
  replicas?: number;
  /**
   * The hash that places peers and keys on the ring; `HashFn` in Go. By name, `fnv1` is Go's
   * `fnv.New64`, `fnv1a` is `fnv.New64a`, and `crc32` is `crc32.ChecksumIEEE`.
   *
   * @default the default of the Go module
   */
  hash?: Named | RingHash;
}

/** How the rings of the Go modules differ. */
export interface HashRingFlavor<Named extends string> {
  /** The name of the ring, in the name of its placement and in error messages. */
  name: string;
  /** The hashes that can be selected by name. */
  hashes: Readonly<Record<Named, RingHash>>;
  /** The default of the Go module. */
  defaultHash: Named;
  /** Returns how the Go module identifies a peer. */
  identify(peer: string): string;
  /** Returns the text whose hash is point number `replica` of a peer. */
  pointOf(identity: string, replica: number): string;
  /** See {@linkcode Placement}. */
  dialect: GoDialect;
}

/**
 * Consistent hashing as in groupcache: every peer has points on a ring of hashes. A key belongs to
 * the peer with the first point at or after the key's own hash; the other peers follow around the ring
 * from there. If the points of two peers collide, the last peer in the list has the point.
 *
 * Go compares hashes as signed integers. These are unsigned, which gives the same ring with a different
 * starting point.
 */
export function hashRing<Named extends string>(
  flavor: HashRingFlavor<Named>,
  { replicas = 50, hash = flavor.defaultHash }: HashRingOptions<Named>,
): Placement {
  if (!Number.isSafeInteger(replicas) || replicas < 1) {
    throw new RangeError(
      `Cannot create ${flavor.name}: replicas must be a positive integer: received ${
        quote(replicas)
      }`,
    );
  }
  if (typeof hash !== "function" && !Object.hasOwn(flavor.hashes, hash ?? "")) {
    const names = Object.keys(flavor.hashes).map(quote).join(", ");
    throw new TypeError(
      `Cannot create ${flavor.name}: hash must be a function or one of ${names}: received ${
        quote(hash)
      }`,
    );
  }
  const hashOf = typeof hash === "function" ? hash : flavor.hashes[hash];
  const hashName = typeof hash === "function" ? hash.name || "anonymous" : hash;
  const encoder = new TextEncoder();
  // Reused for each text: on V8 a new array would cost more than the rest of a lookup.
  const scratch = new Uint8Array(512);
  const hashText = (text: string): number | bigint => {
    if (3 * text.length > scratch.length) return hashOf(encoder.encode(text));
    return hashOf(scratch.subarray(0, encoder.encodeInto(text, scratch).written));
  };

  return {
    name: `${flavor.name}-${hashName}-${replicas}`,
    dialect: flavor.dialect,
    rank(peers) {
      const owners = new Map<number | bigint, string>();
      for (const peer of peers) {
        const identity = flavor.identify(peer);
        for (let replica = 0; replica < replicas; replica++) {
          owners.set(hashText(flavor.pointOf(identity, replica)), peer);
        }
      }
      const points = [...owners.keys()].sort((a, b) => a < b ? -1 : 1);
      const clockwise = points.map((point) => owners.get(point) as string);
      // A peer that lost all its points to others still takes over when those are down.
      const withPoints = new Set(clockwise);
      const pointless = [...new Set(peers)].filter((peer) => !withPoints.has(peer)).sort();

      return function* (key) {
        const start = firstNotBelow(points, hashText(key));
        const given = new Set<string>();
        for (let step = 0; step < clockwise.length; step++) {
          const peer = clockwise[(start + step) % clockwise.length] as string;
          if (given.has(peer)) continue;
          yield peer;
          given.add(peer);
        }
        yield* pointless;
      };
    },
  };
}

/** Returns the index of the first point that is not below `hash`, or `points.length`. */
function firstNotBelow(points: readonly (number | bigint)[], hash: number | bigint): number {
  let low = 0;
  let high = points.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((points[middle] as number | bigint) < hash) low = middle + 1;
    else high = middle;
  }
  return low;
}
