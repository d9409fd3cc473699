const encoder = new TextEncoder();

/** For the bytes of a number: a view of each message would take longer to make than to write. */
const double = new DataView(new ArrayBuffer(8));

/**
 * Writes protobuf into one buffer whose size was computed before, so that a value is copied once.
 * The functions below say how much each part takes.
 */
export class Writer {
  #bytes: Uint8Array<ArrayBuffer>;
  #position = 0;

  /** @param room Where to write, if there is room enough. */
  constructor(byteLength: number, room?: Uint8Array<ArrayBuffer>) {
    this.#bytes = room !== undefined && room.byteLength >= byteLength
      ? room
      : new Uint8Array(byteLength);
  }

  /** What was written. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#position);
  }

  /** An unsigned number of at most 53 bits. */
  varint(value: number): void {
    while (value > 127) {
      this.#bytes[this.#position++] = value % 128 + 128;
      value = Math.floor(value / 128);
    }
    this.#bytes[this.#position++] = value;
  }

  /** A signed number of 64 bits. */
  bigVarint(value: bigint): void {
    value = BigInt.asUintN(64, value);
    while (value > 127n) {
      this.#bytes[this.#position++] = Number(value & 127n) + 128;
      value >>= 7n;
    }
    this.#bytes[this.#position++] = Number(value);
  }

  /** A floating-point number of 64 bits. */
  double(value: number): void {
    double.setFloat64(0, value, true);
    for (let i = 0; i < 8; i++) this.#bytes[this.#position++] = double.getUint8(i);
  }

  /** Text behind its length. */
  text(text: string): void {
    // For a key the way into the encoder and back takes longer than its bytes.
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

  /** Bytes behind their length. */
  bytes(bytes: Uint8Array): void {
    this.varint(bytes.byteLength);
    this.#bytes.set(bytes, this.#position);
    this.#position += bytes.byteLength;
  }
}

/** How many bytes an unsigned number takes. */
export function varintSize(value: number): number {
  let size = 1;
  for (; value > 127; value = Math.floor(value / 128)) size++;
  return size;
}

/** How many bytes a signed number of 64 bits takes. */
export function bigVarintSize(value: bigint): number {
  let size = 1;
  for (value = BigInt.asUintN(64, value); value > 127n; value >>= 7n) size++;
  return size;
}

/** How many bytes a field of bytes takes behind its tag. */
export function bytesSize({ byteLength }: { byteLength: number }): number {
  return varintSize(byteLength) + byteLength;
}

/** How many bytes text can take at most behind its tag. */
export function maxTextSize(text: string): number {
  return bytesSize({ byteLength: 3 * text.length });
}

/** Text as UTF-8. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}
