import { nextTurn, unrefTimer } from "../runtime.ts";

/**
 * A source of time and timers. Pass one to `new GroupCache({ clock })` to test expiry and timeouts
 * without waiting; `@groupcache/groupcache/testing` has a virtual one.
 *
 * @example A clock that a test sets
 * ```ts
 * import { type Clock, GroupCache, text } from "@groupcache/groupcache";
 * import { assertEquals } from "@std/assert";
 *
 * let nowMs = 0;
 * const clock: Clock = {
 *   now: () => nowMs,
 *   setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
 *   clearTimeout: (timer) => clearTimeout(timer as number),
 * };
 *
 * await using cache = new GroupCache({ clock });
 * const times = cache.group("times", {
 *   maxBytes: 1 << 20,
 *   codec: text,
 *   ttlMs: 1000,
 *   load: () => String(nowMs),
 * });
 * assertEquals(await times.get("now"), "0");
 * nowMs = 1000;
 * assertEquals(await times.get("now"), "1000");
 * ```
 */
export interface Clock {
  /** Returns the time, in milliseconds since the Unix epoch. */
  now(): number;
  /** Calls `callback` once, after `delayMs` milliseconds. Returns a handle for `clearTimeout`. */
  setTimeout(callback: () => void, delayMs: number): unknown;
  /** Cancels a timer. Unknown and finished ones are ignored. */
  clearTimeout(timer: unknown): void;
  /**
   * Returns milliseconds since an arbitrary moment, with fractions, and never goes back: for
   * measuring. Optional: without it `now` measures.
   */
  elapsed?(): number;
  /**
   * Returns the system's time, in milliseconds since the Unix epoch, for messages to processes whose
   * clocks follow it. Optional: without it that is what `now` returns.
   */
  unixNow?(): number;
  /**
   * Lets the process exit while a timer is pending. Optional: without it no timer is kept once
   * nothing waits for it.
   */
  unrefTimer?(timer: unknown): void;
  /**
   * Calls `callback` in a later turn of the event loop, as `setImmediate` does. A clock that decides
   * what runs when may provide it.
   *
   * @default the runtime's
   */
  nextTurn?(callback: () => void): void;
}

/** 25 days. Runtimes fire timers with longer delays at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** The runtime's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  setTimeout: (callback, delayMs) =>
    globalThis.setTimeout(callback, Math.min(delayMs, MAX_DELAY_MS)),
  clearTimeout: (timer) => globalThis.clearTimeout(timer as number),
  unrefTimer,
  nextTurn,
};

/** Returns milliseconds for measuring durations: use the difference of two results. */
export function stopwatchOf(clock: Clock): () => number {
  return () => clock.elapsed?.() ?? clock.now();
}

/** Calls `callback` in a later turn of the event loop, by the clock if it has a say in that. */
export function inNextTurn(clock: Clock, callback: () => void): void {
  if (clock.nextTurn === undefined) nextTurn(callback);
  else clock.nextTurn(callback);
}

/** As `inNextTurn`, after a millisecond: a clock that stands still holds up nothing by that. */
export function inOneMillisecond(clock: Clock, callback: () => void): void {
  if (clock.nextTurn === undefined) globalThis.setTimeout(callback, 1);
  else clock.setTimeout(callback, 1);
}
