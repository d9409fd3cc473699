/**
 * Where the cache gets its time and timers from. Pass one to `new GroupCache({ clock })` to test
 * expiry and timeouts without waiting; `@groupcache/groupcache/testing` holds a virtual one.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Calls `callback` once, `delayMs` milliseconds from now. Returns what `clearTimeout` takes. */
  setTimeout(callback: () => void, delayMs: number): unknown;
  /** Forgets a timer. Unknown and finished ones are ignored. */
  clearTimeout(timer: unknown): void;
}

/** The runtime's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout: (callback, delayMs) => globalThis.setTimeout(callback, delayMs),
  clearTimeout: (timer) => globalThis.clearTimeout(timer as number),
};
