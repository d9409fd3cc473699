const encoder = new TextEncoder();

/** The size of the length that precedes a message, in bytes. */
const FRAME_LENGTH_BYTES = 4;

/** The maximum size of a varint, in bytes. */
export const VARINT_BYTES = 10;

/** Shared scratch space for doubles: creating a view of each message costs more than writing it. */
const double = new DataView(new ArrayBuffer(8));

/**
 * Writes protobuf into one buffer, so that a value is copied only once. Its size is computed beforehand
 * with the functions below, or made to grow with `reserve`.
 */
export class Writer {
  #bytes: Uint8Array<ArrayBuffer>;
  #position = 0;

  /** @param room A buffer to reuse, if it is large enough. */
  constructor(byteLength: number, room?: Uint8Array<ArrayBuffer>) {
    this.#bytes = room !== undefined && room.byteLength >= byteLength
      ? room
      : new Uint8Array(byteLength);
  }

  /** Returns what was written. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#position);
  }

  /** The number of bytes written. */
  get byteLength(): number {
    return this.#position;
  }

  /** Ensures room for at least `byteLength` more bytes. */
  reserve(byteLength: number): void {
    const needed = this.#position + byteLength;
    if (needed <= this.#bytes.byteLength) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.byteLength));
    grown.set(this.#bytes.subarray(0, this.#position));
    this.#bytes = grown;
  }

  /** Returns a copy of what was written, and reuses the buffer. */
  take(): Uint8Array<ArrayBuffer> {
    const bytes = this.#bytes.slice(0, this.#position);
    this.#position = 0;
    return bytes;
  }

  /** Starts a message preceded by its length, with room for that. Returns the argument for `endFrame`. */
  startFrame(): number {
    this.reserve(FRAME_LENGTH_BYTES);
    const start = this.#position;
    this.#position += FRAME_LENGTH_BYTES;
    return start;
  }

  /** Ends a message of less than 256 MiB. */
  endFrame(start: number): void {
    let length = this.#position - start - FRAME_LENGTH_BYTES;
    // A varint may be padded, so its size can be fixed before its value is known.
    for (let i = start; i < start + FRAME_LENGTH_BYTES - 1; i++) {
      this.#bytes[i] = length & 127 | 128;
      length >>>= 7;
    }
    this.#bytes[start + FRAME_LENGTH_BYTES - 1] = length;
  }

  /** Writes an unsigned integer of at most 53 bits. */
  varint(value: number): void {
    while (value > 127) {
      this.#bytes[this.#position++] = value % 128 + 128;
      value = Math.floor(value / 128);
    }
    this.#bytes[this.#position++] = value;
  }

  /** Writes a field that is an unsigned integer, with room for it. */
  numberField(tag: number, value: number): void {
    this.reserve(2 * VARINT_BYTES);
    this.varint(tag);
    this.varint(value);
  }

  /** Writes a signed integer of 64 bits. */
  bigVarint(value: bigint): void {
    value = BigInt.asUintN(64, value);
    while (value > 127n) {
      this.#bytes[this.#position++] = Number(value & 127n) + 128;
      value >>= 7n;
    }
    this.#bytes[this.#position++] = Number(value);
  }

  /** Writes a 64-bit floating-point number. */
  double(value: number): void {
    double.setFloat64(0, value, true);
    for (let i = 0; i < 8; i++) this.#bytes[this.#position++] = double.getUint8(i);
  }

  /** Writes text as UTF-8 preceded by its length. */
  text(text: string): void {
    // Calling `TextEncoder` costs more than writing the bytes of a key.
    const start = this.#position;
    this.varint(text.length);
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 127) {
        this.#position = start;
        return this.bytes(utf8(text));
      }
      this.#bytes[this.#position++] = code;
    }
  }

  /** Writes bytes preceded by their length. */
  bytes(bytes: Uint8Array): void {
    this.varint(bytes.byteLength);
    this.#bytes.set(bytes, this.#position);
    this.#position += bytes.byteLength;
  }
}

/** The encoded size of an unsigned integer, in bytes. */
export function varintSize(value: number): number {
  let size = 1;
  for (; value > 127; value = Math.floor(value / 128)) size++;
  return size;
}

/** The encoded size of a signed integer of 64 bits, in bytes. */
export function bigVarintSize(value: bigint): number {
  let size = 1;
  for (value = BigInt.asUintN(64, value); value > 127n; value >>= 7n) size++;
  return size;
}

/** The encoded size of bytes and their length, in bytes. */
export function bytesSize({ byteLength }: { byteLength: number }): number {
  return varintSize(byteLength) + byteLength;
}

/** An upper bound for the encoded size of text and its length, in bytes. */
export function maxTextSize(text: string): number {
  return bytesSize({ byteLength: 3 * text.length });
}

/** Encodes text as UTF-8. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}
