const encoder = new TextEncoder();
/** A byte order mark is part of a text, but not of JSON. */
const textDecoder = new TextDecoder("utf-8", { ignoreBOM: true });
const jsonDecoder = new TextDecoder();
const STREAM_CHUNK_BYTES = 64 * 1024;
const EMPTY = new ArrayBuffer(0);

/**
 * What a {@linkcode ByteView} can be created from. Text is encoded as UTF-8.
 *
 * @example
 * ```ts
 * import { ByteView, type ByteViewInit } from "@groupcache/groupcache";
 * import { assertEquals } from "@std/assert";
 *
 * const inits: ByteViewInit[] = ["é", Uint8Array.of(0xc3, 0xa9), new ByteView("é")];
 * for (const init of inits) assertEquals(new ByteView(init).text(), "é");
 * ```
 */
export type ByteViewInit = ByteView | Uint8Array | ArrayBuffer | string;

/**
 * Returns the bytes of a view without a copy. Internal: the caller must neither change them nor pass
 * them to the user.
 */
export let borrowBytes: (view: ByteView) => Uint8Array<ArrayBuffer>;

/**
 * Creates a view of bytes without a copy. Internal: the caller guarantees that `bytes` never change
 * while the view lives.
 */
export let viewOf: (bytes: Uint8Array<ArrayBuffer>) => ByteView;

/** As `viewOf`, for `size` bytes of a buffer, beginning at `start`. */
export let viewAt: (buffer: ArrayBuffer, start: number, size: number) => ByteView;

/**
 * An immutable sequence of bytes, as a cache stores and returns it. It is cheap to pass around, stays
 * valid after its entry is evicted or the cache is closed, and never exposes the underlying memory.
 *
 * Named after its counterpart in Go groupcache.
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
  /** Created on first use: a typed array costs several times as much as the rest of a cache hit. */
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
   * Creates a view of a copy of `init`.
   *
   * @throws {TypeError} If `init` has the wrong type.
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

  /** The number of bytes. */
  get size(): number {
    return this.#size;
  }

  /** Returns a copy of the bytes. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice();
  }

  /** Decodes the bytes as UTF-8. Invalid sequences become U+FFFD. */
  text(): string {
    return textDecoder.decode(this.#bytes);
  }

  /**
   * Parses the bytes as JSON, anew at each call.
   *
   * @throws {SyntaxError} If they are not JSON.
   */
  json<T = unknown>(): T {
    return JSON.parse(jsonDecoder.decode(this.#bytes));
  }

  /** Returns a stream of the bytes, in chunks of at most 64 KiB that are copied on demand. */
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
   * Returns a view of a part of the bytes, without a copy. As with `Array.prototype.slice`, negative
   * positions count from the end.
   */
  slice(start?: number, end?: number): ByteView {
    return viewOf(this.#bytes.subarray(start, end));
  }

  /** Whether the bytes equal those of `other`. */
  equals(other: ByteViewInit): boolean {
    const a = this.#bytes;
    const b = new ByteView(other).#bytes;
    return a.byteLength === b.byteLength && a.every((byte, index) => byte === b[index]);
  }

  /** Creates a response with the bytes as its body. `init` is passed to `new Response`. */
  toResponse(init?: ResponseInit): Response {
    return new Response(this.#bytes, init);
  }

  /** Decodes the bytes as UTF-8. */
  toString(): string {
    return this.text();
  }
}
