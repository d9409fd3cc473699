/** What bounds the requests to peers. */
export interface PeerLimits {
  /**
   * Keys in one request.
   *
   * @default 1000
   */
  maxKeys: number;
  /**
   * Bytes of keys in one request, as UTF-16. One key is sent whatever its length.
   *
   * @default 262144
   */
  maxKeyBytes: number;
  /**
   * Requests to one peer that carry several keys and that it has not begun to answer. What is
   * asked for meanwhile gathers in the next one.
   *
   * @default 4
   */
  maxBatches: number;
  /**
   * Requests to one peer that carry one key each, because the peer takes no batches, as Go's do not,
   * or is not known yet.
   *
   * @default 32
   */
  maxGets: number;
  /**
   * Calls to one peer that wait to be sent. Those beyond fail with code `overloaded`.
   *
   * @default 10000
   */
  maxQueued: number;
  /**
   * Requests to all peers that have not begun to be answered. Bun allows 256 in a process, the
   * application's own and those whose answers wait for slow loads included.
   *
   * @default 128
   */
  maxFetches: number;
}

const DEFAULTS: Readonly<PeerLimits> = {
  maxKeys: 1000,
  maxKeyBytes: 256 * 1024,
  maxBatches: 4,
  maxGets: 32,
  maxQueued: 10_000,
  maxFetches: 128,
};

/**
 * Checks limits that came in, and fills in the defaults.
 *
 * @throws {RangeError} If one is not a positive integer.
 */
export function checkLimits(limits: Partial<PeerLimits>): PeerLimits {
  const checked: PeerLimits = { ...DEFAULTS };
  for (const [name, value] of Object.entries(limits)) {
    if (value === undefined) continue;
    if (Number.isSafeInteger(value) && value > 0) {
      checked[name as keyof PeerLimits] = value;
      continue;
    }
    throw new RangeError(
      `Cannot create GroupCache: limits.${name} must be a positive integer: received ${value}`,
    );
  }
  return checked;
}
