import { unrefTimer } from "../runtime.ts";

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
  /**
   * Lets the process end although a timer is still to come. May be left out: then no timer is kept
   * for longer than somebody waits for it.
   */
  unrefTimer?(timer: unknown): void;
}

/** Runtimes run a timer at once if its delay is longer: 25 days. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** The runtime's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout: (callback, delayMs) =>
    globalThis.setTimeout(callback, Math.min(delayMs, MAX_DELAY_MS)),
  clearTimeout: (timer) => globalThis.clearTimeout(timer as number),
  unrefTimer,
};
