const OFFSET_HIGH = 0xcbf29ce4;
const OFFSET_LOW = 0x84222325;

/** The 64-bit prime is 2^40 + 0x1b3. */
const PRIME_LOW = 0x1b3;

/** Computes the 64-bit FNV-1: multiply, then xor. Equals Go's `fnv.New64` and fasthash's `fnv1.HashBytes64`. */
export function fnv1(bytes: Uint8Array): bigint {
  let high = OFFSET_HIGH;
  let low = OFFSET_LOW;
  for (const byte of bytes) {
    const product = low * PRIME_LOW;
    high = (Math.imul(high, PRIME_LOW) + Math.floor(product / 2 ** 32) + (low << 8)) >>> 0;
    low = (product ^ byte) >>> 0;
  }
  return join(high, low);
}

/** Computes the 64-bit FNV-1a: xor, then multiply. Equals Go's `fnv.New64a` and fasthash's `fnv1a.HashBytes64`. */
export function fnv1a(bytes: Uint8Array): bigint {
  let high = OFFSET_HIGH;
  let low = OFFSET_LOW;
  for (const byte of bytes) {
    low = (low ^ byte) >>> 0;
    const product = low * PRIME_LOW;
    high = (Math.imul(high, PRIME_LOW) + Math.floor(product / 2 ** 32) + (low << 8)) >>> 0;
    low = product >>> 0;
  }
  return join(high, low);
}

function join(high: number, low: number): bigint {
  return BigInt(high) << 32n | BigInt(low);
}
