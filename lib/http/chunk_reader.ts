/** The size of the buffer that a body is read into, in bytes. */
const SCRATCH_BYTES = 64 * 1024;

/** A chunk of at most this size is copied, rather than its buffer given away with it. */
const COPIED_BYTES = 16 * 1024;

/** Reads a body chunk by chunk. */
export interface ChunkReader {
  /** Returns the next chunk, undefined at the end. */
  read(): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Ends the body; a pending read then returns undefined. */
  cancel(): void;
}

/**
 * Reads a body into a buffer that is reused, if the runtime supports it: otherwise Deno allocates 64 KiB
 * per chunk, however small, and collects garbage every 15 ms for one caller's replies.
 *
 * @param keeps Whether a chunk may be kept. Otherwise it is valid until the next call.
 */
export function chunkReaderOf(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  { keeps }: { keeps: boolean },
): ChunkReader {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = body.getReader({ mode: "byob" });
  } catch {
    return defaultReaderOf(body);
  }
  let scratch = new ArrayBuffer(SCRATCH_BYTES);
  return {
    async read() {
      const { done, value } = await reader.read(new Uint8Array(scratch));
      if (value === undefined) return undefined;
      scratch = value.buffer;
      if (done) return undefined;
      if (!keeps) return value;
      if (value.byteLength <= COPIED_BYTES) return value.slice();
      scratch = new ArrayBuffer(SCRATCH_BYTES);
      return value;
    },
    cancel: () => void reader.cancel().catch(() => {}),
  };
}

function defaultReaderOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): ChunkReader {
  const reader = body.getReader();
  return {
    read: async () => (await reader.read()).value,
    cancel: () => void reader.cancel().catch(() => {}),
  };
}
