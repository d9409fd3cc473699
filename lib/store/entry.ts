// deno-lint-ignore-file no-non-null-assertion -- indices into typed arrays are in range by construction

/**
 * The layout of an entry in its segment, in words of 32 bits:
 *
 *     hash | value bytes | marks | decoded id, if any | expiry, if any (2) | key | value
 *
 * Key and value are padded to whole words. Marks hold the key's length, the uses and the flags.
 * Marks and the decoded id are the only words that ever change, and no view covers them.
 */
const HEADER_WORDS = 3;
const VALUE_BYTES = 1;
const MARKS = 2;
const DECODED_ID = 3;

const KEY_BYTES_MASK = 0x1ffff;
const USES_SHIFT = 17;
const USES_MASK = 3 << USES_SHIFT;
const ONE_USE = 1 << USES_SHIFT;
const DEAD = 1 << 19;
/** The flags of what is optional. Together they say how many words that takes. */
const HAS_DECODED_ID = 1 << 20;
const EXPIRES = 2 << 20;
const OPTIONAL_SHIFT = 20;
const OPTIONAL_MASK = 3;

/** The most uses an entry counts. */
export const MAX_USES = 3;

const float = new Float64Array(1);
const halves = new Int32Array(float.buffer);

/** Returns the size of an entry, in words. */
export function entryWords(
  { keyBytes, valueBytes, expiresAtMs, hasDecodedId }: Omit<EntryHeader, "hash" | "uses">,
): number {
  return HEADER_WORDS + (hasDecodedId ? 1 : 0) + (expiresAtMs === Infinity ? 0 : 2) +
    (keyBytes + 3 >>> 2) + wordsFor(valueBytes);
}

/** What comes before an entry's key and value. */
export interface EntryHeader {
  hash: number;
  keyBytes: number;
  valueBytes: number;
  expiresAtMs: number;
  uses: number;
  /** Whether there is room for a decoded id. */
  hasDecodedId: boolean;
}

/** Writes a header at `at` and returns the word at which the key starts. */
export function writeHeader(words: Int32Array, at: number, header: EntryHeader): number {
  words[at] = header.hash;
  words[at + VALUE_BYTES] = header.valueBytes;
  let marks = header.keyBytes | header.uses << USES_SHIFT;
  let next = at + HEADER_WORDS;
  if (header.hasDecodedId) {
    marks |= HAS_DECODED_ID;
    words[next++] = 0;
  }
  if (header.expiresAtMs !== Infinity) {
    marks |= EXPIRES;
    float[0] = header.expiresAtMs;
    words[next++] = halves[0]!;
    words[next++] = halves[1]!;
  }
  words[at + MARKS] = marks;
  return next;
}

/** Returns the size of the entry at `at`, in words. */
export function wordsOf(words: Int32Array, at: number): number {
  const marks = words[at + MARKS]!;
  return HEADER_WORDS + (marks >>> OPTIONAL_SHIFT & OPTIONAL_MASK) +
    ((marks & KEY_BYTES_MASK) + 3 >>> 2) + wordsFor(words[at + VALUE_BYTES]!);
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
  return at + HEADER_WORDS + (words[at + MARKS]! >>> OPTIONAL_SHIFT & OPTIONAL_MASK);
}

/** Returns the word at which the value starts. */
export function valueStartOf(words: Int32Array, at: number): number {
  return keyStartOf(words, at) + (keyBytesOf(words, at) + 3 >>> 2);
}

export function expiresAtMsOf(words: Int32Array, at: number): number {
  if ((words[at + MARKS]! & EXPIRES) === 0) return Infinity;
  const keyStart = keyStartOf(words, at);
  halves[0] = words[keyStart - 2]!;
  halves[1] = words[keyStart - 1]!;
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

/** Whether an entry has room for a decoded id. */
export function hasDecodedId(words: Int32Array, at: number): boolean {
  return (words[at + MARKS]! & HAS_DECODED_ID) !== 0;
}

/** Returns the id of the entry's value in `DecodedValues`, or 0 if it has none. */
export function decodedIdOf(words: Int32Array, at: number): number {
  return hasDecodedId(words, at) ? words[at + DECODED_ID]! : 0;
}

export function setDecodedId(words: Int32Array, at: number, id: number): void {
  words[at + DECODED_ID] = id;
}
