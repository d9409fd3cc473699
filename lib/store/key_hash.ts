// deno-lint-ignore-file no-non-null-assertion -- indices into typed arrays are in range by construction

/** Words that each have multipliers of their own; longer keys are hashed block by block. */
const BLOCK_WORDS = 64;

/** A signed 32-bit hash of `byteLength` bytes, the last word of which is padded with zeros. */
export type KeyHash = (words: Int32Array, byteLength: number) => number;

/**
 * Creates a hash with a random seed, so that an attacker cannot choose keys that collide.
 *
 * It is multilinear: each word is multiplied by a random number of its own, and the upper half of
 * the sum is used; then the same again with the halves of each word swapped, because a difference
 * in a word's upper half alone barely shows in the first sum. (After Lemire and Kaser, "Strongly
 * universal string hashing is fast", The Computer Journal, 2014.) The last step only spreads the
 * result.
 */
export function seededKeyHash(): KeyHash {
  // Two numbers per word, then those for the length and for the state carried between blocks.
  const secret = crypto.getRandomValues(new Int32Array(2 * BLOCK_WORDS + 12));
  const end = 2 * BLOCK_WORDS;

  return (words, byteLength) => {
    const count = byteLength + 3 >>> 2;
    let high = Math.imul(byteLength, secret[end]!) + secret[end + 1]! | 0;
    let low = Math.imul(byteLength, secret[end + 2]!) + secret[end + 3]! | 0;
    let key = 0;
    for (let at = 0; at < count; at++) {
      if (key === end) {
        const [a, b] = [high, low];
        high = Math.imul(a & 0xffff, secret[end + 4]!) + Math.imul(a >>> 16, secret[end + 5]!) +
            Math.imul(b & 0xffff, secret[end + 6]!) + Math.imul(b >>> 16, secret[end + 7]!) | 0;
        low = Math.imul(a & 0xffff, secret[end + 8]!) + Math.imul(a >>> 16, secret[end + 9]!) +
            Math.imul(b & 0xffff, secret[end + 10]!) + Math.imul(b >>> 16, secret[end + 11]!) | 0;
        key = 0;
      }
      const word = words[at]!;
      high = high + Math.imul(word, secret[key]!) | 0;
      low = low + Math.imul(word << 16 | word >>> 16, secret[key + 1]!) | 0;
      key += 2;
    }
    return spread(high & 0xffff0000 | low >>> 16);
  };
}

/** Murmur3's finalizer: every bit of `hash` affects every bit of the result. */
function spread(hash: number): number {
  hash = Math.imul(hash ^ hash >>> 16, 0x85ebca6b);
  hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35);
  return hash ^ hash >>> 16;
}
