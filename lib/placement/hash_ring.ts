import { quote } from "../errors.ts";
import type { Placement } from "./placement.ts";

/**
 * A hash of bytes, of up to 32 bits for golang/groupcache and up to 64 for the others. A hash of
 * more than 53 bits has to be a `bigint`. The bytes are its own only until it returns.
 */
export type RingHash = (bytes: Uint8Array) => number | bigint;

/** How a ring differs from what its Go module does by default. */
export interface HashRingOptions<Named extends string> {
  /**
   * How many points each peer has on the ring; `Replicas` in Go.
   *
   * @default 50
   */
  replicas?: number;
  /**
   * What places points and keys on the ring; `HashFn` in Go. Of the named ones the 64-bit kinds of
   * FNV are Go's `fnv.New64` and `fnv.New64a`, and `crc32` is Go's `crc32.ChecksumIEEE`.
   *
   * By default what the Go module takes by default.
   */
  hash?: Named | RingHash;
}

/** What tells the rings of the Go modules apart. */
export interface HashRingFlavor<Named extends string> {
  /** What the ring is called, in the name of its placement and in error messages. */
  name: string;
  /** The hashes that can be chosen by name. */
  hashes: Readonly<Record<Named, RingHash>>;
  /** The one that the Go module takes by default. */
  defaultHash: Named;
  /** The name by which the Go module knows a peer. */
  identify(peer: string): string;
  /** The text whose hash is a peer's point number `replica`. */
  pointOf(identity: string, replica: number): string;
  /**
   * See {@linkcode Placement}.
   *
   * @default false
   */
  plusIsSpace?: boolean;
}

/**
 * Consistent hashing as in groupcache: every peer has points on a ring of hashes. A key belongs to
 * the peer whose point comes first at or after the key's own hash, and around the ring from there
 * the other peers follow. Where two peers' points fall on one place, the last in the list has it.
 *
 * Go compares hashes as signed numbers. As unsigned ones, which these are, they stand in the same
 * circle, only begun elsewhere.
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
  // Filled anew for each text: on V8 an array of its own would cost more than all else in a lookup.
  const scratch = new Uint8Array(512);
  const hashText = (text: string): number | bigint => {
    if (3 * text.length > scratch.length) return hashOf(encoder.encode(text));
    return hashOf(scratch.subarray(0, encoder.encodeInto(text, scratch).written));
  };

  return {
    name: `${flavor.name}-${hashName}-${replicas}`,
    plusIsSpace: flavor.plusIsSpace ?? false,
    // golang/groupcache differs from the others in both.
    statusTells: !flavor.plusIsSpace,
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
      // A peer that has lost all its points to others still takes over when these are down.
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

/** The index of the first of the ascending `points` that is not below `hash`; their number if none. */
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
