// deno-lint-ignore-file no-non-null-assertion -- indices into typed arrays are in range by construction

/**
 * The layout of an entry in its segment, in words of 32 bits:
 *
 *     hash | value bytes | marks | decoded id | expiry, if any (2) | key (padded) | value (padded)
 *
 * An entry starts at an even word. Marks hold the key's length, the uses and the flags. Marks and
 * the decoded id are the only words that ever change, and no view covers them.
 */
const HEADER_WORDS = 4;
const VALUE_BYTES = 1;
const MARKS = 2;
const DECODED_ID = 3;

const KEY_BYTES_MASK = 0x1ffff;
const USES_SHIFT = 17;
const USES_MASK = 3 << USES_SHIFT;
const ONE_USE = 1 << USES_SHIFT;
const DEAD = 1 << 19;
const EXPIRES = 1 << 20;

/** The most uses an entry counts. */
export const MAX_USES = 3;

const float = new Float64Array(1);
const halves = new Int32Array(float.buffer);

/** Returns the size of an entry, in words. */
export function entryWords(keyBytes: number, valueBytes: number, expiresAtMs: number): number {
  const words = HEADER_WORDS + (expiresAtMs === Infinity ? 0 : 2) + (keyBytes + 3 >>> 2) +
    wordsFor(valueBytes);
  return words + (words & 1);
}

/** What comes before an entry's key and value. */
export interface EntryHeader {
  hash: number;
  keyBytes: number;
  valueBytes: number;
  expiresAtMs: number;
  uses: number;
}

/** Writes a header at `at` and returns the word at which the key starts. */
export function writeHeader(words: Int32Array, at: number, header: EntryHeader): number {
  words[at] = header.hash;
  words[at + VALUE_BYTES] = header.valueBytes;
  words[at + DECODED_ID] = 0;
  const marks = header.keyBytes | header.uses << USES_SHIFT;
  if (header.expiresAtMs === Infinity) {
    words[at + MARKS] = marks;
    return at + HEADER_WORDS;
  }
  words[at + MARKS] = marks | EXPIRES;
  float[0] = header.expiresAtMs;
  words[at + HEADER_WORDS] = halves[0]!;
  words[at + HEADER_WORDS + 1] = halves[1]!;
  return at + HEADER_WORDS + 2;
}

/** Returns the size of the entry at `at`, in words. */
export function wordsOf(words: Int32Array, at: number): number {
  const size = HEADER_WORDS + ((words[at + MARKS]! & EXPIRES) === 0 ? 0 : 2) +
    (keyBytesOf(words, at) + 3 >>> 2) + wordsFor(words[at + VALUE_BYTES]!);
  return size + (size & 1);
}

/** Returns `Math.ceil(bytes / 4)`, for up to 4 GiB. */
function wordsFor(bytes: number): number {
  return (bytes >>> 2) + ((bytes & 3) === 0 ? 0 : 1);
}

export function hashOf(words: Int32Array, at: number): number {
  return words[at]!;
}

export function keyBytesOf(words: Int32Array, at: number): number {
  return words[at + MARKS]! & KEY_BYTES_MASK;
}

export function valueBytesOf(words: Int32Array, at: number): number {
  return words[at + VALUE_BYTES]! >>> 0;
}

/** Returns the word at which the key starts. */
export function keyStartOf(words: Int32Array, at: number): number {
  return at + HEADER_WORDS + ((words[at + MARKS]! & EXPIRES) === 0 ? 0 : 2);
}

/** Returns the word at which the value starts. */
export function valueStartOf(words: Int32Array, at: number): number {
  return keyStartOf(words, at) + (keyBytesOf(words, at) + 3 >>> 2);
}

export function expiresAtMsOf(words: Int32Array, at: number): number {
  if ((words[at + MARKS]! & EXPIRES) === 0) return Infinity;
  halves[0] = words[at + HEADER_WORDS]!;
  halves[1] = words[at + HEADER_WORDS + 1]!;
  return float[0]!;
}

/** Whether the entry has not expired. */
export function isAlive(words: Int32Array, at: number, nowMs: number): boolean {
  return (words[at + MARKS]! & EXPIRES) === 0 || expiresAtMsOf(words, at) > nowMs;
}

export function isDead(words: Int32Array, at: number): boolean {
  return (words[at + MARKS]! & DEAD) !== 0;
}

export function markDead(words: Int32Array, at: number): void {
  words[at + MARKS] = words[at + MARKS]! | DEAD;
}

export function usesOf(words: Int32Array, at: number): number {
  return (words[at + MARKS]! & USES_MASK) >>> USES_SHIFT;
}

export function setUses(words: Int32Array, at: number, uses: number): void {
  words[at + MARKS] = words[at + MARKS]! & ~USES_MASK | uses << USES_SHIFT;
}

export function countUse(words: Int32Array, at: number): void {
  const marks = words[at + MARKS]!;
  if ((marks & USES_MASK) !== USES_MASK) words[at + MARKS] = marks + ONE_USE;
}

/** Returns the id of the entry's value in `DecodedValues`, or 0 if it has none. */
export function decodedIdOf(words: Int32Array, at: number): number {
  return words[at + DECODED_ID]!;
}

export function setDecodedId(words: Int32Array, at: number, id: number): void {
  words[at + DECODED_ID] = id;
}
