/** The remainder of each byte, by the reflected IEEE polynomial. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let register = byte;
  for (let bit = 0; bit < 8; bit++) {
    register = register & 1 ? (register >>> 1) ^ 0xedb88320 : register >>> 1;
  }
  return register;
});

/** Computes the CRC-32 with the IEEE 802.3 polynomial, as Go's `crc32.ChecksumIEEE` does. */
export function crc32(bytes: Uint8Array): number {
  let register = ~0;
  for (const byte of bytes) {
    register = (register >>> 8) ^ (TABLE[(register ^ byte) & 0xff] as number);
  }
  return ~register >>> 0;
}
