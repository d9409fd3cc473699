import type { Placement } from "./placement.ts";

/**
 * Rendezvous hashing, also called highest random weight: each peer gets a score for the key, a hash
 * of both, and the peers rank by score. So a peer that joins takes an even share of the keys from
 * each of the others and one that leaves gives its keys to all of them; no key moves otherwise.
 *
 * The scores are part of the interface: other numbers would be another placement, by another name.
 *
 * After Thaler and Ravishankar, "Using name-based mappings to increase hit rates" (1998).
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
  // Of peers with equal scores the first in this order ranks first, in every process.
  const sorted = [...new Set(peers)].sort();
  const hashes = Int32Array.from(sorted, hash);
  return (key) => new Ranking(sorted, hashes, hash(key));
}

/**
 * A key's peers, best first. Each step looks through all of them for the best of those not given
 * yet, and computes their scores anew: most callers want the first only, few a second.
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

/** 32 bits of hash of the text's UTF-16 code units. */
function hash(text: string): number {
  let state = text.length;
  for (let i = 0; i < text.length; i++) {
    // The odd factor, 2^32 divided by the golden ratio, moves what is known upwards; the shift
    // brings it back to where the next factor reaches it.
    state = Math.imul(state ^ text.charCodeAt(i), 0x9e3779b1);
    state ^= state >>> 15;
  }
  return scramble(state);
}

/** Flips each bit of the result for half of all changes of one bit: Wellons's `lowbias32`. */
function scramble(bits: number): number {
  bits = Math.imul(bits ^ (bits >>> 16), 0x7feb352d);
  bits = Math.imul(bits ^ (bits >>> 15), 0x846ca68b);
  return bits ^ (bits >>> 16);
}
