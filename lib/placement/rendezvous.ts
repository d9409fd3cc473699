import type { Placement } from "./placement.ts";

/**
 * Creates a placement by rendezvous hashing, also called highest random weight: each peer gets a score
 * for the key, a hash of both, and peers rank by score. A peer that joins takes an even share of keys
 * from each of the others, and a peer that leaves distributes its keys among all of them; no other key
 * moves.
 *
 * The scores are part of the interface: a placement with other scores must have another name.
 *
 * From Thaler and Ravishankar, "Using name-based mappings to increase hit rates" (1998).
 *
 * @example
 * ```ts
 * import { rendezvous } from "@groupcache/groupcache";
 * import { assertEquals } from "@std/assert";
 *
 * const peersOf = rendezvous().rank(["http://10.0.0.1:8080", "http://10.0.0.2:8080"]);
 *
 * assertEquals([...peersOf("user:42")], ["http://10.0.0.2:8080", "http://10.0.0.1:8080"]);
 * ```
 */
export function rendezvous(): Placement {
  return { name: "rendezvous", rank };
}

function rank(peers: readonly string[]): (key: string) => Iterable<string> {
  // Breaks ties between equal scores the same way in every process.
  const sorted = [...new Set(peers)].sort();
  const hashes = Int32Array.from(sorted, hash);
  return (key) => new Ranking(sorted, hashes, hash(key));
}

/**
 * Yields the peers for a key, best first. Each step scans all of them for the best remaining one and
 * recomputes their scores, because most callers need only the first peer and few need a second.
 */
class Ranking implements IterableIterator<string> {
  #peers: readonly string[];
  #hashes: Int32Array;
  #key: number;
  #given = 0;
  #lastScore = Infinity;
  #lastPeer = -1;

  constructor(peers: readonly string[], hashes: Int32Array, key: number) {
    this.#peers = peers;
    this.#hashes = hashes;
    this.#key = key;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<string> {
    if (this.#given === this.#peers.length) return { done: true, value: undefined };
    this.#given++;
    const hashes = this.#hashes;
    const key = this.#key;
    const lastScore = this.#lastScore;
    const lastPeer = this.#lastPeer;
    let best = -1;
    let bestScore = -1;
    for (let i = 0; i < hashes.length; i++) {
      const score = scramble(key ^ (hashes[i] as number)) >>> 0;
      if (score <= bestScore) continue;
      if (score > lastScore || (score === lastScore && i <= lastPeer)) continue;
      best = i;
      bestScore = score;
    }
    this.#lastScore = bestScore;
    this.#lastPeer = best;
    return { done: false, value: this.#peers[best] as string };
  }
}

/** Hashes the UTF-16 code units of a text to 32 bits. */
function hash(text: string): number {
  let state = text.length;
  for (let i = 0; i < text.length; i++) {
    // The factor, 2^32 divided by the golden ratio and odd, moves entropy to the high bits; the shift
    // brings it back down for the next factor.
    state = Math.imul(state ^ text.charCodeAt(i), 0x9e3779b1);
    state ^= state >>> 15;
  }
  return scramble(state);
}

/** Flips each bit of the result for half of all one-bit changes: Wellons's `lowbias32`. */
function scramble(bits: number): number {
  bits = Math.imul(bits ^ (bits >>> 16), 0x7feb352d);
  bits = Math.imul(bits ^ (bits >>> 15), 0x846ca68b);
  return bits ^ (bits >>> 16);
}
