// deno-lint-ignore-file no-non-null-assertion -- indices into typed arrays are in range by construction

/**
 * The layout of an entry in its segment, in words of 32 bits:
 *
 *     hash | marks | decoded id, if any | value bytes, if long | expiry, if any (2) | key | value
 *
 * Key and value are padded to whole words. Marks hold the uses, the flags, the length of the key, and
 * that of the value too if both are short, as nearly all are: that saves a word of each entry.
 * Marks and the decoded id are the only words that ever change, and no view covers them.
 */
const HEADER_WORDS = 2;
const MARKS = 1;
const DECODED_ID = 2;

const SHORT_VALUE_MASK = 0xffff;
const SHORT_KEY_SHIFT = 16;
const SHORT_KEY_MASK = 0x3ff;
const LONG_KEY_MASK = 0x1ffff;
const USES_SHIFT = 26;
const USES_MASK = 3 << USES_SHIFT;
const ONE_USE = 1 << USES_SHIFT;
const DEAD = 1 << 28;
/** The flags of what is optional: the first two together say how many words that takes, */
const OPTIONAL_SHIFT = 29;
const OPTIONAL_MASK = 3;
const HAS_DECODED_ID = 1 << 29;
const EXPIRES = 1 << 30;
/** and the sign says whether there is one for the length of the value. */
const IS_LONG = 1 << 31;

/** The most uses an entry counts. */
export const MAX_USES = 3;

const float = new Float64Array(1);
const halves = new Int32Array(float.buffer);

/** Returns the size of an entry, in words. */
export function entryWords(header: Omit<EntryHeader, "hash" | "uses">): number {
  const { keyBytes, valueBytes, expiresAtMs, hasDecodedId } = header;
  return HEADER_WORDS + (hasDecodedId ? 1 : 0) + (isLong(header) ? 1 : 0) +
    (expiresAtMs === Infinity ? 0 : 2) + (keyBytes + 3 >>> 2) + wordsFor(valueBytes);
}

/** Whether marks have no room for both lengths. */
function isLong({ keyBytes, valueBytes }: Pick<EntryHeader, "keyBytes" | "valueBytes">): boolean {
  return keyBytes > SHORT_KEY_MASK || valueBytes > SHORT_VALUE_MASK;
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
  let marks = header.uses << USES_SHIFT;
  let next = at + HEADER_WORDS;
  if (header.hasDecodedId) {
    marks |= HAS_DECODED_ID;
    words[next++] = 0;
  }
  if (isLong(header)) {
    marks |= IS_LONG | header.keyBytes;
    words[next++] = header.valueBytes;
  } else marks |= header.keyBytes << SHORT_KEY_SHIFT | header.valueBytes;
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
  return valueStartOf(words, at) - at + wordsFor(valueBytesOf(words, at));
}

/** Returns `Math.ceil(bytes / 4)`, for up to 4 GiB. */
function wordsFor(bytes: number): number {
  return (bytes >>> 2) + ((bytes & 3) === 0 ? 0 : 1);
}

export function hashOf(words: Int32Array, at: number): number {
  return words[at]!;
}

export function keyBytesOf(words: Int32Array, at: number): number {
  const marks = words[at + MARKS]!;
  return marks < 0 ? marks & LONG_KEY_MASK : marks >>> SHORT_KEY_SHIFT & SHORT_KEY_MASK;
}

export function valueBytesOf(words: Int32Array, at: number): number {
  const marks = words[at + MARKS]!;
  if (marks >= 0) return marks & SHORT_VALUE_MASK;
  return words[at + HEADER_WORDS + ((marks & HAS_DECODED_ID) === 0 ? 0 : 1)]! >>> 0;
}

/** Returns the word at which the key starts. */
export function keyStartOf(words: Int32Array, at: number): number {
  const marks = words[at + MARKS]!;
  return at + HEADER_WORDS + (marks >>> OPTIONAL_SHIFT & OPTIONAL_MASK) + (marks >>> 31);
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
