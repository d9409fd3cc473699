// deno-lint-ignore-file no-non-null-assertion -- indices into typed arrays are in range by construction

import { checkWellFormed } from "../key.ts";
import { keyBytesOf, keyStartOf } from "./entry.ts";
import { charReader } from "./key_chars.ts";

const encoder = new TextEncoder();

/** Shared by all readers: each uses what it read before anything else is read. */
const chars = charReader();

/** From this length on, one call to the encoder is cheaper than a call per character. */
const LONG_KEY_CHARS = 40;

const FIRST_WORDS = 64;

/**
 * Reads keys as UTF-8 bytes, four to a word and padded with zeros, as entries store them, ready to
 * be hashed and compared. The same memory is reused for every key. Only long or non-ASCII keys go
 * through the runtime's encoder.
 */
export class KeyReader {
  /** The bytes of the key read last, as words. What follows them is arbitrary. */
  words: Int32Array = new Int32Array(FIRST_WORDS);
  /** The length of the key read last, in bytes. */
  byteLength = 0;
  #ownWords = this.words;
  #bytes = new Uint8Array(this.words.buffer);

  /**
   * Reads `key`.
   *
   * @throws {TypeError} If the key is not well-formed.
   */
  read(key: string): void {
    const { length } = key;
    if (chars !== undefined && length <= chars.maxChars) {
      if (chars.read(key) > 0x7f) return this.#encode(key);
      this.words = chars.words;
      this.byteLength = length;
    } else if (length < LONG_KEY_CHARS) this.#readUnits(key);
    else this.#encode(key);
  }

  /** Whether the key read last is that of the entry at `words[at]`. */
  isAt(words: Int32Array, at: number): boolean {
    if (keyBytesOf(words, at) !== this.byteLength) return false;
    const start = keyStartOf(words, at);
    const mine = this.words;
    const count = this.byteLength + 3 >>> 2;
    for (let i = 0; i < count; i++) {
      if (mine[i]! !== words[start + i]!) return false;
    }
    return true;
  }

  #readUnits(key: string): void {
    const words = this.words = this.#ownWords;
    const { length } = key;
    const whole = length & ~3;
    let used = 0;
    let at = 0;
    for (; at < whole; at += 4) {
      const a = key.charCodeAt(at);
      const b = key.charCodeAt(at + 1);
      const c = key.charCodeAt(at + 2);
      const d = key.charCodeAt(at + 3);
      if ((a | b | c | d) > 0x7f) return this.#encode(key);
      words[used++] = a | b << 8 | c << 16 | d << 24;
    }
    let last = 0;
    let seen = 0;
    for (let shift = 0; at < length; at++, shift += 8) {
      const char = key.charCodeAt(at);
      seen |= char;
      last |= char << shift;
    }
    if (seen > 0x7f) return this.#encode(key);
    words[used] = last;
    this.byteLength = length;
  }

  #encode(key: string): void {
    checkWellFormed(key);
    if (this.#bytes.byteLength < 3 * key.length) {
      this.#ownWords = new Int32Array(key.length);
      this.#bytes = new Uint8Array(this.#ownWords.buffer);
    }
    this.words = this.#ownWords;
    const { written } = encoder.encodeInto(key, this.#bytes);
    this.byteLength = written;
    for (let at = written; (at & 3) !== 0; at++) this.#bytes[at] = 0;
  }
}
