const MAX_KEY_BYTES = 64 * 1024;
const encoder = new TextEncoder();

/**
 * Checks a key.
 *
 * @throws {TypeError} Unless it is a non-empty, well-formed string of at most 64 KiB as UTF-8.
 */
export function checkKey(key: string): void {
  checkKeySize(key);
  checkWellFormed(key);
}

/**
 * As `checkKey`, except for whether the key is well-formed: a store finds that out for free when it
 * reads the key, so a caller that asks a store first need not check twice.
 */
export function checkKeySize(key: string): void {
  if (typeof key !== "string") throw badKey(`received ${key === null ? "null" : typeof key}`);
  if (key === "") throw badKey("received an empty string");
  // A UTF-16 unit takes at most three bytes of UTF-8, so most keys need no count.
  if (key.length * 3 <= MAX_KEY_BYTES) return;
  const size = encoder.encode(key).byteLength;
  if (size > MAX_KEY_BYTES) throw badKey(`received ${size} bytes`);
}

/** The rest of `checkKey`. */
export function checkWellFormed(key: string): void {
  if (!key.isWellFormed()) throw badKey("received a string with a lone surrogate");
}

function badKey(received: string): TypeError {
  return new TypeError(
    "Cannot use key: it must be a non-empty, well-formed string of at most 64 KiB as UTF-8: " +
      received,
  );
}
