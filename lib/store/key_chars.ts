/** Longer keys than this many UTF-16 units go another way. */
const MAX_CHARS = 256;

/** Reads strings a whole at a time. */
export interface CharReader {
  /** Keys of up to this many UTF-16 units can be read. */
  maxChars: number;
  /** Where `read` writes, four units to a word and filled up with zeros. */
  words: Uint32Array;
  /**
   * Writes the low bytes of the key's UTF-16 units to `words`. Returns all units or-ed together:
   * if that is below 128, what was written is the key.
   */
  read(key: string): number;
}

/**
 * A reader that is in WebAssembly, or `undefined` where the runtime does not lend its strings to
 * it (the "js-string builtins"), or is better without. `String.prototype.charCodeAt` has to find
 * out anew at each call how a string is laid out: whole or sliced, of one or two bytes. In V8 that
 * was measured to cost up to 13 ns a call, 250 to 500 for a key of 19 characters; here it is found
 * out once, and the key costs 80. In JavaScriptCore it costs 2 ns a call.
 */
export function charReader(): CharReader | undefined {
  if (/\bBun\b/.test(navigator.userAgent)) return undefined;
  try {
    const options = { builtins: ["js-string"] };
    const Module = WebAssembly.Module as unknown as ModuleWithBuiltins;
    const { exports } = new WebAssembly.Instance(new Module(MODULE, options), {});
    const { read, memory } = exports as unknown as Exports;
    return { read, words: new Uint32Array(memory.buffer), maxChars: MAX_CHARS };
  } catch {
    return undefined;
  }
}

interface Exports {
  read(key: string): number;
  memory: WebAssembly.Memory;
}

type ModuleWithBuiltins = new (
  bytes: Uint8Array<ArrayBuffer>,
  options: { builtins: string[] },
) => WebAssembly.Module;

/**
 * In words:
 *
 *     read(key):
 *       length = intoCharCodeArray(key, units, 0)
 *       while at + 4 <= length: memory[at] = four units, each also or-ed to seen; at += 4
 *       while at < length: last |= unit << shift, the unit also or-ed to seen; at++, shift += 8
 *       memory[length & -4] = last
 *       return seen
 */
const MODULE = Uint8Array.of(
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  // types: 0 array of i16, 1 (externref, array, i32) -> i32, 2 (externref) -> i32
  ...[0x01, 0x11, 3, 0x5e, 0x77, 1, 0x60, 3, 0x6f, 0x63, 0, 0x7f, 1, 0x7f, 0x60, 1, 0x6f, 1, 0x7f],
  // import "wasm:js-string" "intoCharCodeArray" as function 0
  ...[0x02, 0x24, 1, 14, ...new TextEncoder().encode("wasm:js-string")],
  ...[17, ...new TextEncoder().encode("intoCharCodeArray"), 0, 1],
  // function 1 of type 2; a memory of one page; global 0: units, an array of 256
  ...[0x03, 2, 1, 2, 0x05, 4, 1, 1, 1, 1],
  ...[0x06, 0x0b, 1, 0x63, 0, 0, 0x41, 0x80, 0x02, 0xfb, 0x07, 0, 0x0b],
  // export function 1 as "read", the memory as "memory"
  ...[0x07, 0x11, 2, 4, ...new TextEncoder().encode("read"), 0, 1],
  ...[6, ...new TextEncoder().encode("memory"), 2, 0],
  // code; locals: 0 key, 1 length, 2 at, 3 seen, 4 last, 5 unit, 6 shift, 7 units
  ...[0x0a, 0xcc, 0x01, 1, 0xc9, 0x01, 2, 6, 0x7f, 1, 0x63, 0],
  // units = global 0; length = intoCharCodeArray(key, units, 0)
  ...[0x23, 0, 0x21, 7, 0x20, 0, 0x20, 7, 0x41, 0, 0x10, 0, 0x21, 1],
  // block loop: leave if at + 4 > length
  ...[0x02, 0x40, 0x03, 0x40, 0x20, 2, 0x41, 4, 0x6a, 0x20, 1, 0x4a, 0x0d, 1],
  // memory[at] = units[at] | units[at + 1] << 8 | units[at + 2] << 16 | units[at + 3] << 24
  ...[0x20, 2],
  ...[0x20, 7, 0x20, 2, 0xfb, 0x0d, 0, 0x22, 5, 0x20, 3, 0x72, 0x21, 3, 0x20, 5],
  ...[0x20, 7, 0x20, 2, 0x41, 1, 0x6a, 0xfb, 0x0d, 0, 0x22, 5, 0x20, 3, 0x72, 0x21, 3, 0x20, 5],
  ...[0x41, 8, 0x74, 0x72],
  ...[0x20, 7, 0x20, 2, 0x41, 2, 0x6a, 0xfb, 0x0d, 0, 0x22, 5, 0x20, 3, 0x72, 0x21, 3, 0x20, 5],
  ...[0x41, 16, 0x74, 0x72],
  ...[0x20, 7, 0x20, 2, 0x41, 3, 0x6a, 0xfb, 0x0d, 0, 0x22, 5, 0x20, 3, 0x72, 0x21, 3, 0x20, 5],
  ...[0x41, 24, 0x74, 0x72, 0x36, 2, 0],
  // at += 4; again
  ...[0x20, 2, 0x41, 4, 0x6a, 0x21, 2, 0x0c, 0, 0x0b, 0x0b],
  // block loop: leave if at >= length
  ...[0x02, 0x40, 0x03, 0x40, 0x20, 2, 0x20, 1, 0x4e, 0x0d, 1],
  // last |= units[at] << shift; shift += 8; at += 1; again
  ...[0x20, 7, 0x20, 2, 0xfb, 0x0d, 0, 0x22, 5, 0x20, 3, 0x72, 0x21, 3, 0x20, 5],
  ...[0x20, 6, 0x74, 0x20, 4, 0x72, 0x21, 4],
  ...[0x20, 6, 0x41, 8, 0x6a, 0x21, 6, 0x20, 2, 0x41, 1, 0x6a, 0x21, 2, 0x0c, 0, 0x0b, 0x0b],
  // memory[length & -4] = last; return seen
  ...[0x20, 1, 0x41, 0x7c, 0x71, 0x20, 4, 0x36, 2, 0, 0x20, 3, 0x0b],
);
