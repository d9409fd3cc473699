/** The rotations of each of the four rounds, repeated throughout the round. */
const SHIFTS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];

/** The integer parts of |sin(1)|, |sin(2)|, … |sin(64)| times 2^32. */
const SINES = Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32));

/**
 * Computes the MD5 (RFC 1321) of the text's UTF-8, as 32 lower-case hexadecimal digits. It places points
 * on a ring as the Go modules do and has no bearing on security.
 */
export function md5Hex(text: string): string {
  const message = pad(new TextEncoder().encode(text));
  const state = new Int32Array([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476]);
  for (let offset = 0; offset < message.byteLength; offset += 64) {
    addBlock(state, new DataView(message.buffer, offset, 64));
  }
  const digest = new DataView(new ArrayBuffer(16));
  let hex = "";
  state.forEach((word, i) => {
    digest.setInt32(4 * i, word, true);
    hex += digest.getUint32(4 * i).toString(16).padStart(8, "0");
  });
  return hex;
}

/** Appends a one bit, zeros up to 8 bytes short of a whole block, and the message's length in bits. */
function pad(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const padded = new Uint8Array(Math.ceil((bytes.length + 9) / 64) * 64);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  new DataView(padded.buffer).setBigUint64(padded.length - 8, BigInt(bytes.length) * 8n, true);
  return padded;
}

/** Mixes a block of 64 bytes into the state. */
function addBlock(state: Int32Array, block: DataView): void {
  let [a, b, c, d] = state as unknown as [number, number, number, number];
  for (let step = 0; step < 64; step++) {
    let mixed: number;
    let word: number;
    if (step < 16) {
      mixed = b & c | ~b & d;
      word = step;
    } else if (step < 32) {
      mixed = b & d | c & ~d;
      word = (5 * step + 1) & 15;
    } else if (step < 48) {
      mixed = b ^ c ^ d;
      word = (3 * step + 5) & 15;
    } else {
      mixed = c ^ (b | ~d);
      word = 7 * step & 15;
    }
    const sum = (a + mixed + (SINES[step] as number) + block.getInt32(4 * word, true)) | 0;
    const shift = SHIFTS[step >> 4 << 2 | step & 3] as number;
    a = d;
    d = c;
    c = b;
    b = (b + (sum << shift | sum >>> (32 - shift))) | 0;
  }
  state.set([a, b, c, d].map((register, i) => register + (state[i] as number)));
}
