import { type ByteView, viewAt } from "../byte_view.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Text of at most this many bytes is decoded without `TextDecoder` if it is ASCII. */
const SHORT = 128;

/** Shared scratch space for doubles: creating a view of each message costs more than reading it. */
const double = new DataView(new ArrayBuffer(8));

/**
 * The number of fields in a message: signs of life for six hours, which come four times a second, and
 * more keys than one request lists. 64 MiB of the smallest fields would block the process for seconds.
 */
const MAX_FIELDS = 100_000;

/** The wire type of a field. */
export type Layout = "varint" | "fixed64" | "bytes";

const WIRE_TYPES: Readonly<Record<Layout, number>> = { varint: 0, fixed64: 1, bytes: 2 };
const FIXED32 = 5;

/** The tag of a field: its number and its wire type in one. */
export function tagOf(field: number, layout: Layout): number {
  return field * 8 + WIRE_TYPES[layout];
}

/**
 * Reads one protobuf message from front to back. Invalid or truncated bytes cause a `RangeError`;
 * nothing is read past the end.
 */
export class Reader {
  #bytes: Uint8Array<ArrayBuffer>;
  #buffer: ArrayBuffer | undefined;
  #position = 0;
  #fields = 0;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#bytes = bytes;
  }

  /** How many bytes have been read. */
  get position(): number {
    return this.#position;
  }

  /** Returns the tag of the next field, whose value must then be read or skipped; 0 at the end. */
  next(): number {
    if (this.#position >= this.#bytes.byteLength) return 0;
    if (++this.#fields > MAX_FIELDS) throw malformed(`more than ${MAX_FIELDS} fields`);
    const tag = this.varint();
    if (tag < 8) throw malformed("field number 0");
    return tag;
  }

  /** Skips the value of an unknown field. */
  skip(tag: number): void {
    switch (tag % 8) {
      case WIRE_TYPES.varint:
        this.bigVarint();
        break;
      case WIRE_TYPES.fixed64:
        this.#take(8);
        break;
      case WIRE_TYPES.bytes:
        this.#take(this.varint());
        break;
      case FIXED32:
        this.#take(4);
        break;
      default:
        throw malformed(`wire type ${tag % 8}`);
    }
  }

  /** Reads an unsigned integer of at most 53 bits. */
  varint(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 49; scale *= 128) {
      const byte = this.#byte();
      value += (byte & 127) * scale;
      if (byte < 128) {
        if (value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
    }
    throw malformed("a number of more than 53 bits");
  }

  /** Reads a signed integer of 64 bits. */
  bigVarint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asIntN(64, value);
    }
    throw malformed("a number of more than 64 bits");
  }

  /** Reads a 64-bit floating-point number. */
  double(): number {
    const start = this.#take(8);
    for (let i = 0; i < 8; i++) double.setUint8(i, this.#bytes[start + i] as number);
    return double.getFloat64(0, true);
  }

  /** Reads bytes preceded by their length: a view, not a copy. */
  bytes(): Uint8Array<ArrayBuffer> {
    const length = this.varint();
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** As `bytes`, without a typed array, which costs more than all the rest of reading a value. */
  view(): ByteView {
    const length = this.varint();
    const start = this.#take(length);
    this.#buffer ??= this.#bytes.buffer;
    return viewAt(this.#buffer, this.#bytes.byteOffset + start, length);
  }

  /** Reads UTF-8 preceded by its length. */
  string(): string {
    const length = this.varint();
    const start = this.#take(length);
    try {
      return shortAscii(this.#bytes, start, length) ??
        decoder.decode(this.#bytes.subarray(start, start + length));
    } catch (error) {
      throw error instanceof TypeError ? malformed("text that is not UTF-8") : error;
    }
  }

  #byte(): number {
    const byte = this.#bytes[this.#position++];
    if (byte === undefined) throw malformed("a truncated message");
    return byte;
  }

  #take(length: number): number {
    const start = this.#position;
    if (length > this.#bytes.byteLength - start) throw malformed("a truncated message");
    this.#position = start + length;
    return start;
  }
}

/** Scratch space for short texts: an array for each would cost more. */
const codes: number[] = [];

/** Decodes short ASCII text, otherwise returns undefined: `TextDecoder` costs more for a key. */
function shortAscii(bytes: Uint8Array, start: number, length: number): string | undefined {
  if (length > SHORT) return undefined;
  codes.length = length;
  let seen = 0;
  for (let i = 0; i < length; i++) {
    const byte = bytes[start + i] as number;
    seen |= byte;
    codes[i] = byte;
  }
  // In one call: concatenating characters builds a rope, which must be flattened on first use.
  return seen > 127 ? undefined : String.fromCharCode.apply(null, codes);
}

/**
 * Checks that a field occurs for the first time. Protobuf lets the last occurrence win, but no peer
 * sends several, and each may hold text to decode.
 *
 * @param value The field's value so far.
 * @throws {RangeError} If there is one.
 */
export function checkFirst(value: unknown): void {
  if (value !== undefined) throw malformed("a field twice");
}

function malformed(what: string): RangeError {
  return new RangeError(`Cannot read protobuf: received ${what}`);
}
