/** The size of the buffer that a body is read into, in bytes. */
const SCRATCH_BYTES = 64 * 1024;

/** Reads a body chunk by chunk. */
export interface ChunkReader {
  /** Returns the next chunk, undefined at the end. It is valid until the next call. */
  read(): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Ends the body; a pending read then returns undefined. */
  cancel(): void;
}

/**
 * Reads a body into one buffer that is reused for each chunk, if the runtime supports it: otherwise Deno
 * allocates 64 KiB per chunk, however small.
 */
export function chunkReaderOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): ChunkReader {
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
      return done ? undefined : value;
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
