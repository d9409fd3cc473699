/** A body may take a millisecond longer for so many bytes of it. */
export const MIN_BYTES_PER_MS: number = 16;

/**
 * The longest time without a byte in a reply that waits for loads, in milliseconds. Bun ends a reply
 * after 10,000, and a client gives its peer up after a few seconds.
 */
export const KEEPALIVE_MS: number = 250;

/**
 * The size of everything in a message except its value, in bytes: a key, the name of a group, signs of life
 * for six hours.
 */
export const ENVELOPE_BYTES: number = 256 * 1024;

/** The most keys in one request. Longer lists are refused. */
export const MAX_LIST_KEYS: number = 10_000;

/**
 * The largest request that lists keys, in bytes. That many keys of the greatest length would take 40
 * times as much; no client sends those together.
 */
export const MAX_LIST_BYTES: number = 16 << 20;

/** The largest hello, which lists the peers, in bytes: enough for 10,000 of them. */
export const MAX_HELLO_BYTES: number = 1 << 20;

/** The largest report of what a process counts, in bytes: enough for thousands of groups. */
export const MAX_REPORT_BYTES: number = 8 << 20;

/** The largest reply without a value, in bytes: an error's message, or signs of life for hours. */
export const MAX_NOTE_BYTES: number = 64 * 1024;

/** The largest value sent in one piece on a channel, in bytes: others would wait behind it. */
export const MAX_INLINE_BYTES: number = 64 * 1024;

/** The largest message of a channel that a client or a server sends, in bytes. */
export const MAX_CHANNEL_REQUEST_BYTES: number = 512 * 1024;
export const MAX_CHANNEL_REPLY_BYTES: number = 512 * 1024;

/** The maximum number of keys, and about the maximum size of keys, in one message of a client. */
export const MAX_CHANNEL_KEYS: number = 1000;
export const MAX_CHANNEL_KEY_BYTES: number = 256 * 1024;

/** The maximum number of messages of a client that the server has not acknowledged. */
export const MAX_UNACKNOWLEDGED: number = 2;

/** The maximum number of keys that a client waits for, and a server loads, on one channel. */
export const MAX_OWED_KEYS: number = 65_536;

/** How many bytes of answers a server buffers for a client that does not read them. */
export const MAX_AHEAD_BYTES: number = 1 << 20;

/** The maximum number of channels that a process serves. */
export const MAX_CHANNELS_SERVED: number = 512;

/** When a client closes a channel without calls, in milliseconds. */
export const CHANNEL_UNUSED_MS: number = 4000;

/**
 * A client replaces a channel after this many milliseconds or bytes sent, because Bun's servers end the
 * body of a request after 128 MiB.
 */
export const CHANNEL_LIFE_MS: number = 30_000;
export const CHANNEL_LIFE_BYTES: number = 16 << 20;

/** When a server ends a channel on which nothing arrives, in milliseconds. */
export const CHANNEL_IDLE_MS: number = 15_000;

/** How long a client may ask on a channel, in milliseconds. A proof is valid for as long. */
export const CHANNEL_MAX_MS: number = 300_000;

/** How long a client may take to close a channel that the server wants to end, in milliseconds. */
export const CHANNEL_GRACE_MS: number = 1000;

/**
 * Bounds for the communication between peers.
 *
 * @example
 * ```ts
 * import { GroupCache, type PeerLimits } from "@groupcache/groupcache";
 *
 * const limits: Partial<PeerLimits> = { maxValueBytes: 8 << 20 };
 * await using _cache = new GroupCache({ limits });
 * ```
 */
export interface PeerLimits {
  /**
   * The largest encoded value sent to or accepted from a peer, in bytes. A `set` of a larger value, and a
   * `get` of one that another process has, reject with code `too-large`; the process that loaded the value
   * can still serve it. No peer can make this process allocate more for one value. Use the same limit in
   * all processes.
   *
   * The default is far above what is sensible to cache and far below what endangers a process: gRPC's
   * limit is 4 MiB, that of memcached 1 MiB, that of Redis 512 MB. Above 127 MiB, set
   * `maxRequestBodySize` of `Bun.serve` to match.
   *
   * @default 67108864, which is 64 MiB
   */
  maxValueBytes: number;
  /**
   * The number of keys in one request, at most 10,000.
   *
   * @default 1000
   */
  maxKeys: number;
  /**
   * The size of the keys in one request, in bytes of UTF-16, at most 8 MiB. A single key is sent whatever
   * its length.
   *
   * @default 262144
   */
  maxKeyBytes: number;
  /**
   * The number of requests with several keys to one peer that it has not begun to answer. Further keys
   * collect in the next request.
   *
   * @default 4
   */
  maxBatches: number;
  /**
   * The number of requests with one key each to one peer, which are sent if the peer does not accept
   * batches, such as a Go peer, or is not known yet.
   *
   * @default 32
   */
  maxGets: number;
  /**
   * The number of calls to one peer that wait to be sent. Further calls reject with code `overloaded`.
   *
   * @default 10000
   */
  maxQueued: number;
  /**
   * The number of requests to all peers that they have not begun to answer. Bun allows 256 per process,
   * including the application's own requests and those waiting for slow loads.
   *
   * @default 128
   */
  maxFetches: number;
  /**
   * The number of open channels to peers, each of which is a long request; 0 for none. Further peers are
   * sent ordinary requests. Bun allows 256 requests per process.
   *
   * @default 64
   */
  maxChannels: number;
  /**
   * The total size of the requests being received, in bytes. Those of up to 64 KiB may take a quarter of it
   * in addition. A request without room waits for at most 10 seconds and then fails with code `overloaded`. A request larger than
   * the total is received alone. A request slower than 16 KB a second is rejected.
   *
   * @default 33554432, which is 32 MiB
   */
  maxReceivedBytes: number;
  /**
   * The total size of the values being sent to peers, in bytes, counting only those of more than 256 KiB.
   * Values without room, larger values and slow readers are treated as above.
   *
   * @default 33554432, which is 32 MiB
   */
  maxSentBytes: number;
  /**
   * The number of changes that a process remembers, so that it can tell them to peers that missed them, with
   * keys of 64 UTF-16 units on average. A peer that has missed more than that drops all its values.
   *
   * @default 16384
   */
  maxChanges: number;
}

const DEFAULTS: Readonly<PeerLimits> = {
  maxValueBytes: 64 << 20,
  maxKeys: 1000,
  maxKeyBytes: 256 * 1024,
  maxBatches: 4,
  maxGets: 32,
  maxQueued: 10_000,
  maxFetches: 128,
  maxChannels: 64,
  maxReceivedBytes: 32 << 20,
  maxSentBytes: 32 << 20,
  maxChanges: 16_384,
};

/** What peers accept. A UTF-16 unit takes at most three bytes of UTF-8, and each key has a tag. */
const MAXIMA: Partial<PeerLimits> = { maxKeys: MAX_LIST_KEYS, maxKeyBytes: MAX_LIST_BYTES / 2 };

/**
 * Checks the limits and fills in the defaults.
 *
 * @throws {TypeError} If there is no such limit.
 * @throws {RangeError} If a limit is not a positive integer, or more than peers accept.
 */
export function checkLimits(limits: Partial<PeerLimits>): PeerLimits {
  const checked: PeerLimits = { ...DEFAULTS };
  for (const [name, value] of Object.entries(limits)) {
    if (!Object.hasOwn(DEFAULTS, name)) {
      throw new TypeError(`Cannot create GroupCache: there is no limit ${name}`);
    }
    if (value === undefined) continue;
    const most = MAXIMA[name as keyof PeerLimits] ?? Infinity;
    const least = name === "maxChannels" ? 0 : 1;
    if (Number.isSafeInteger(value) && value >= least && value <= most) {
      checked[name as keyof PeerLimits] = value;
      continue;
    }
    const range = most === Infinity ? "a positive integer" : `a positive integer up to ${most}`;
    throw new RangeError(
      `Cannot create GroupCache: limits.${name} must be ${range}: received ${value}`,
    );
  }
  return checked;
}
