import { type Clock, systemClock } from "../timing/clock.ts";
import { quote } from "../errors.ts";

/**
 * Options that all sources share.
 *
 * @example
 * ```ts
 * import { dns, poll, type SourceOptions } from "@groupcache/groupcache/discovery";
 *
 * const shared: SourceOptions = { debounceMs: 1000, maxRetryMs: 5000 };
 * const _fromDns = dns({ ...shared, name: "cache.example.com", port: 8080 });
 * const _fromFunction = poll(() => ["http://10.0.0.1:8080"], shared);
 * ```
 */
export interface SourceOptions {
  /**
   * Ends the source, and with it every loop that iterates it.
   *
   * @default none: `iterator.return()` ends it, as do leaving a `for await` loop and closing the
   * cache
   */
  signal?: AbortSignal;
  /**
   * How long changes are collected, counted from the first, in milliseconds: all changes within that
   * time become one list. The very first list is not delayed.
   *
   * @default 250
   */
  debounceMs?: number;
  /**
   * The pause after a first failure, in milliseconds. It doubles with each further failure. Each pause
   * is jittered to between half and all of its length.
   *
   * @default 500
   */
  minRetryMs?: number;
  /**
   * The maximum pause between attempts, in milliseconds.
   *
   * @default 30000
   */
  maxRetryMs?: number;
  /**
   * How long a response may take, in milliseconds, before it counts as a failure.
   *
   * @default 10000
   */
  timeoutMs?: number;
  /**
   * The source of time and timers.
   *
   * @default the runtime's clock
   */
  clock?: Clock;
  /**
   * The source of randomness: returns a number from 0 to less than 1.
   *
   * @default Math.random
   */
  random?: () => number;
}

/** The shared options, checked and with their defaults. */
export type CheckedSourceOptions =
  & Required<Omit<SourceOptions, "signal">>
  & { signal: AbortSignal | undefined };

/**
 * Checks options and fills in the defaults.
 *
 * @throws {RangeError} If a number is out of range.
 */
export function checkSourceOptions(name: string, options: SourceOptions): CheckedSourceOptions {
  const {
    signal,
    debounceMs = 250,
    minRetryMs = 500,
    maxRetryMs = 30_000,
    timeoutMs = 10_000,
    clock = systemClock,
    random = Math.random,
  } = options;
  checkMs(name, "debounceMs", debounceMs, { min: 0 });
  checkMs(name, "minRetryMs", minRetryMs);
  checkMs(name, "maxRetryMs", maxRetryMs, { min: minRetryMs });
  checkMs(name, "timeoutMs", timeoutMs);
  return { signal, debounceMs, minRetryMs, maxRetryMs, timeoutMs, clock, random };
}

/** @throws {RangeError} Unless an option is a finite number of at least `min`, by default 1. */
export function checkMs(
  name: string,
  option: string,
  ms: number,
  { min = 1 }: { min?: number } = {},
): void {
  if (Number.isFinite(ms) && ms >= min) return;
  throw new RangeError(
    `Cannot create ${name}: ${option} must be a number of at least ${min}: received ${quote(ms)}`,
  );
}

/** @throws {TypeError} Unless an option is a non-empty string. */
export function checkText(name: string, option: string, text: string): void {
  if (typeof text === "string" && text !== "") return;
  throw new TypeError(
    `Cannot create ${name}: ${option} must be a non-empty string: received ${quote(text)}`,
  );
}

/** @throws {RangeError} Unless an option is a port. */
export function checkPort(name: string, option: string, port: number): void {
  if (Number.isInteger(port) && port > 0 && port < 65_536) return;
  throw new RangeError(
    `Cannot create ${name}: ${option} must be a port, from 1 to 65535: received ${quote(port)}`,
  );
}

/** @throws {TypeError} Unless an option is a protocol that peers can use. */
export function checkProtocol(name: string, protocol: string): void {
  if (protocol === "http" || protocol === "https") return;
  throw new TypeError(
    `Cannot create ${name}: protocol must be "http" or "https": received ${quote(protocol)}`,
  );
}
