/**
 * Room in a message for what stands beside its value, in bytes: a key, the name of a group, signs of
 * life for six hours.
 */
export const ENVELOPE_BYTES: number = 256 * 1024;

/** Keys in one request; those of more are refused. */
export const MAX_LIST_KEYS: number = 10_000;

/**
 * Bytes of a request that lists keys. As many keys of the greatest length would be 40 times as much:
 * nobody sends those together.
 */
export const MAX_LIST_BYTES: number = 16 << 20;

/** Bytes of a hello, which lists the peers: enough for 10,000 of them. */
export const MAX_HELLO_BYTES: number = 1 << 20;

/** Bytes of a reply that brings nothing: an error's message, or signs of life for hours. */
export const MAX_NOTE_BYTES: number = 64 * 1024;
