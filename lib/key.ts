const MAX_KEY_BYTES = 64 * 1024;
const encoder = new TextEncoder();

/**
 * Checks what came in as a key.
 *
 * @throws {TypeError} Unless it is a non-empty, well-formed string of at most 64 KiB as UTF-8.
 */
export function checkKey(key: string): void {
  if (typeof key !== "string") throw badKey(`received ${key === null ? "null" : typeof key}`);
  if (key === "") throw badKey("received an empty one");
  if (!key.isWellFormed()) throw badKey("received one with a lone surrogate");
  // A UTF-16 unit takes at most three bytes of UTF-8, so most keys need no count.
  if (key.length * 3 <= MAX_KEY_BYTES) return;
  const size = encoder.encode(key).byteLength;
  if (size > MAX_KEY_BYTES) throw badKey(`received ${size} bytes`);
}

function badKey(received: string): TypeError {
  return new TypeError(
    "Cannot use key: it must be a non-empty, well-formed string of at most 64 KiB as UTF-8: " +
      received,
  );
}
