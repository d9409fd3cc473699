// deno-lint-ignore-file no-non-null-assertion -- indices into typed arrays are in range by construction

/** Words that are hashed with keys of their own; longer runs go block by block. */
const BLOCK_WORDS = 64;

/** A hash of 32 bits, signed, over `byteLength` bytes of which the last word is filled with zeros. */
export type KeyHash = (words: Uint32Array, byteLength: number) => number;

/**
 * Makes a hash that nobody outside can predict, so that nobody can send keys which all collide.
 *
 * It is multilinear: each half of a word is multiplied by a random number of its own, and of the
 * sums the upper halves count. For two different keys that were chosen without knowing the numbers
 * the chance to collide is about 2^-32, whatever the keys. (Lemire and Kaser, "Strongly universal
 * string hashing is fast", The Computer Journal, 2014.) The last step only spreads the result.
 */
export function seededKeyHash(): KeyHash {
  // Per word two numbers for each of the two sums; then those of the state between blocks.
  const secret = crypto.getRandomValues(new Uint32Array(4 * BLOCK_WORDS + 12));
  const tail = 4 * BLOCK_WORDS;

  return (words, byteLength) => {
    const count = byteLength + 3 >>> 2;
    let high = Math.imul(byteLength & 0xffff, secret[tail]!) + secret[tail + 1]! | 0;
    let low = Math.imul(byteLength & 0xffff, secret[tail + 2]!) + secret[tail + 3]! | 0;
    let key = 0;
    for (let at = 0; at < count; at++) {
      if (key === tail) {
        const [a, b] = [high, low];
        high = Math.imul(a & 0xffff, secret[tail + 4]!) + Math.imul(a >>> 16, secret[tail + 5]!) +
            Math.imul(b & 0xffff, secret[tail + 6]!) + Math.imul(b >>> 16, secret[tail + 7]!) | 0;
        low = Math.imul(a & 0xffff, secret[tail + 8]!) + Math.imul(a >>> 16, secret[tail + 9]!) +
            Math.imul(b & 0xffff, secret[tail + 10]!) + Math.imul(b >>> 16, secret[tail + 11]!) | 0;
        key = 0;
      }
      const word = words[at]!;
      const first = word & 0xffff;
      const second = word >>> 16;
      high = high + Math.imul(first, secret[key]!) + Math.imul(second, secret[key + 1]!) | 0;
      low = low + Math.imul(first, secret[key + 2]!) + Math.imul(second, secret[key + 3]!) | 0;
      key += 4;
    }
    return spread(high & 0xffff0000 | low >>> 16);
  };
}

/** Murmur3's last step: every bit of `hash` moves every bit of the result. */
function spread(hash: number): number {
  hash = Math.imul(hash ^ hash >>> 16, 0x85ebca6b);
  hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35);
  return hash ^ hash >>> 16;
}
