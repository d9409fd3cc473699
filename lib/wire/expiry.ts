/** The year 2262, from which on nanoseconds overflow an int64. */
const NEVER_MS = 2 ** 63 / 1e6;

/** What messages say of the end of a value. */
export interface Expiry {
  /** When the value expires, in Unix milliseconds; `Infinity`, which is not sent, for never. */
  readonly expiresAtMs: number;
  /** The time until then by the sender's clock, in whole milliseconds: clocks need not agree on it. */
  readonly ttlMs?: number | undefined;
}

/** The time to live to send with a value, in whole milliseconds; undefined if it never expires. */
export function ttlOf(expiresAtMs: number, clock: MessageClock): number | undefined {
  if (expiresAtMs >= NEVER_MS) return undefined;
  return Math.max(0, Math.floor(expiresAtMs - clock.now()));
}

/** What to send of the end of a value: the time that is left, and for Go peers the system's time. */
export function toExpiry(expiresAtMs: number, clock: MessageClock): Expiry {
  const ttlMs = ttlOf(expiresAtMs, clock);
  return ttlMs === undefined
    ? { expiresAtMs: Infinity }
    : { expiresAtMs: unixNow(clock) + ttlMs, ttlMs };
}

/**
 * When a value that was received expires, by the receiver's clock.
 *
 * @param sinceMs When the receiver asked for it, or first heard of it: the time that was left may have been
 * measured as early as that, so what has passed since then is part of it.
 */
export function fromExpiry(
  { expiresAtMs = Infinity, ttlMs }: Partial<Expiry>,
  clock: MessageClock,
  sinceMs: number,
): number {
  if (ttlMs !== undefined) return sinceMs + ttlMs;
  return expiresAtMs === Infinity ? Infinity : expiresAtMs - unixNow(clock) + clock.now();
}

/** As much of a clock as messages need. */
interface MessageClock {
  now(): number;
  unixNow?(): number;
}

function unixNow(clock: MessageClock): number {
  return clock.unixNow?.() ?? clock.now();
}

/** Encodes when a value expires, as Go peers do; undefined for never. */
export function toNanoseconds(unixMs: number | undefined): bigint | undefined {
  if (unixMs === undefined || unixMs >= NEVER_MS) return undefined;
  // A double holds the present time to the microsecond. 0 would mean never.
  return BigInt(Math.max(1, Math.round(unixMs * 1000))) * 1000n;
}

/** Decodes when a value expires. */
export function toMilliseconds(nanoseconds: bigint): number {
  return nanoseconds === 0n ? Infinity : Number(nanoseconds / 1000n) / 1000;
}
