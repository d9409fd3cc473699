const encoder = new TextEncoder();
/** A byte order mark is a part of a text, but not of JSON. */
const textDecoder = new TextDecoder("utf-8", { ignoreBOM: true });
const jsonDecoder = new TextDecoder();
const STREAM_CHUNK_BYTES = 64 * 1024;
const EMPTY = new ArrayBuffer(0);

/** What a {@linkcode ByteView} can be made of. Text is taken as UTF-8. */
export type ByteViewInit = ByteView | Uint8Array | ArrayBuffer | string;

/**
 * The bytes behind a view, not a copy. For the library's own use: whoever holds them must neither
 * change them nor hand them on.
 */
export let borrowBytes: (view: ByteView) => Uint8Array<ArrayBuffer>;

/**
 * A view of bytes that nobody will change, not a copy. For the library's own use: the caller
 * promises that `bytes` stay as they are for as long as the view lives.
 */
export let viewOf: (bytes: Uint8Array<ArrayBuffer>) => ByteView;

/** As `viewOf`, of `size` bytes of a buffer from `start` on. */
export let viewAt: (buffer: ArrayBuffer, start: number, size: number) => ByteView;

/**
 * An immutable run of bytes: what a cache holds and hands out. It is cheap to pass around, stays
 * valid after its entry is evicted or the cache closed, and never exposes the memory behind it.
 *
 * Named after Go groupcache's type of the same purpose.
 *
 * @example
 * ```ts
 * import { ByteView } from "@groupcache/groupcache";
 * import { assertEquals } from "@std/assert";
 *
 * const view = new ByteView('{"name":"Ada"}');
 * assertEquals(view.size, 14);
 * assertEquals(view.json(), { name: "Ada" });
 * assertEquals(await view.toResponse().text(), '{"name":"Ada"}');
 * ```
 */
export class ByteView {
  #buffer = EMPTY;
  #start = 0;
  #size = 0;
  /** Made on first use: a typed array costs several times what the rest of a cache hit does. */
  #array: Uint8Array<ArrayBuffer> | undefined;

  static {
    borrowBytes = (view) => view.#bytes;
    viewOf = ({ buffer, byteOffset, byteLength }) => viewAt(buffer, byteOffset, byteLength);
    viewAt = (buffer, start, size) => {
      const view = new ByteView(EMPTY);
      view.#buffer = buffer;
      view.#start = start;
      view.#size = size;
      return view;
    };
  }

  /**
   * Copies `init`, so that changes to it afterwards do not show.
   *
   * @throws {TypeError} If `init` is none of the types it may be.
   */
  constructor(init: ByteViewInit) {
    if (init === EMPTY) return;
    let array: Uint8Array<ArrayBuffer>;
    if (typeof init === "string") array = encoder.encode(init);
    else if (init instanceof ByteView) array = init.#bytes;
    else if (init instanceof Uint8Array) array = new Uint8Array(init);
    else if (init instanceof ArrayBuffer) array = new Uint8Array(init.slice(0));
    else {
      throw new TypeError(
        "Cannot create ByteView: init must be a ByteView, Uint8Array, ArrayBuffer or string: " +
          `received ${init === null ? "null" : typeof init}`,
      );
    }
    this.#array = array;
    this.#buffer = array.buffer;
    this.#start = array.byteOffset;
    this.#size = array.byteLength;
  }

  get #bytes(): Uint8Array<ArrayBuffer> {
    return this.#array ??= new Uint8Array(this.#buffer, this.#start, this.#size);
  }

  /** How many bytes there are. */
  get size(): number {
    return this.#size;
  }

  /** The bytes, in a copy that is the caller's own. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice();
  }

  /** The bytes read as UTF-8; what is not UTF-8 becomes U+FFFD. */
  text(): string {
    return textDecoder.decode(this.#bytes);
  }

  /**
   * The bytes parsed as JSON, afresh at each call.
   *
   * @throws {SyntaxError} If they are not JSON.
   */
  json<T = unknown>(): T {
    return JSON.parse(jsonDecoder.decode(this.#bytes));
  }

  /** The bytes as a stream, in chunks of at most 64 KiB, copied as they are pulled. */
  stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const bytes = this.#bytes;
    let start = 0;
    return new ReadableStream({
      pull(controller): void {
        if (start < bytes.byteLength) {
          controller.enqueue(bytes.slice(start, start + STREAM_CHUNK_BYTES));
          start += STREAM_CHUNK_BYTES;
        }
        if (start >= bytes.byteLength) controller.close();
      },
    }, { highWaterMark: 0 });
  }

  /**
   * A view of a part of the bytes, without a copy. Positions are those of `Array.prototype.slice`:
   * negative ones count from the end.
   */
  slice(start?: number, end?: number): ByteView {
    return viewOf(this.#bytes.subarray(start, end));
  }

  /** Whether both hold the same bytes. */
  equals(other: ByteViewInit): boolean {
    const a = this.#bytes;
    const b = new ByteView(other).#bytes;
    return a.byteLength === b.byteLength && a.every((byte, index) => byte === b[index]);
  }

  /** A response with the bytes as its body. `init` is that of `new Response`. */
  toResponse(init?: ResponseInit): Response {
    return new Response(this.#bytes, init);
  }

  /** The bytes read as UTF-8. */
  toString(): string {
    return this.text();
  }
}
