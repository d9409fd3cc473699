/** What a body is read into at a time. */
const SCRATCH_BYTES = 64 * 1024;

/** Reads a body chunk by chunk. */
export interface ChunkReader {
  /** The next chunk, undefined at the end. It is good until the next one is read. */
  read(): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** Ends the body; a read that waits then comes to the end. */
  cancel(): void;
}

/**
 * Reads a body into memory that is used again for each chunk, where the runtime can: for its own
 * chunks Deno allocates 64 KiB each, however small they are.
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
