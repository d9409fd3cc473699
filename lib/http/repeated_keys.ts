/** How many times a list may name its keys on average. */
export const MAX_REPEATS: number = 16;

/**
 * Whether a list names the same keys over and over: a short request would then have a long reply. A peer
 * asks again for a key on its way to it only if the key has been changed meanwhile.
 */
export function repeatsTooOften(keys: readonly string[]): boolean {
  return keys.length > MAX_REPEATS && new Set(keys).size * MAX_REPEATS < keys.length;
}
