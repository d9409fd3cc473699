/**
 * The longest time without a byte in a reply that waits for loads, in milliseconds. Bun ends a reply
 * after 10,000, and a client gives its peer up after a few seconds.
 */
export const KEEPALIVE_MS: number = 250;

/**
 * Room in a message for what accompanies its value, in bytes: a key, the name of a group, signs of
 * life for six hours.
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

/** The largest value that a channel carries out of memory, in bytes: others would wait behind it. */
export const MAX_INLINE_BYTES: number = 64 * 1024;

/** The largest message of a channel that a client or a server sends, in bytes. */
export const MAX_CHANNEL_REQUEST_BYTES: number = 512 * 1024;
export const MAX_CHANNEL_REPLY_BYTES: number = 512 * 1024;

/** The most keys, and about the most bytes of keys, in one message of a client. */
export const MAX_CHANNEL_KEYS: number = 1000;
export const MAX_CHANNEL_KEY_BYTES: number = 256 * 1024;

/** The most messages of a client that the server has not acknowledged. */
export const MAX_UNACKNOWLEDGED: number = 2;

/** The most keys that a client waits for on one channel, and that a server loads for it. */
export const MAX_OWED_KEYS: number = 65_536;

/** How many bytes of answers a server buffers for a client that does not read them. */
export const MAX_AHEAD_BYTES: number = 1 << 20;

/** The most channels that a process serves. */
export const MAX_CHANNELS_SERVED: number = 512;

/** A client closes a channel on which it has asked for nothing for so long, in milliseconds. */
export const CHANNEL_UNUSED_MS: number = 4000;

/**
 * A client replaces a channel after so many milliseconds or bytes sent. Bun's servers end the body of
 * a request after 128 MiB.
 */
export const CHANNEL_LIFE_MS: number = 30_000;
export const CHANNEL_LIFE_BYTES: number = 16 << 20;

/** A server ends a channel on which it has read nothing for so long, in milliseconds. */
export const CHANNEL_IDLE_MS: number = 15_000;

/** How long a client may take to close a channel that the server wants to end, in milliseconds. */
export const CHANNEL_GRACE_MS: number = 1000;

/** What bounds what travels between peers. */
export interface PeerLimits {
  /**
   * Bytes of one value that may travel, encoded, to a peer or from one. A `set` of a larger one, and
   * a `get` of one that another process has, reject with code `too-large`; where it is loaded it
   * can be had. Nothing larger is taken into memory, whatever a peer sends. All processes should
   * have the same.
   *
   * The default is far beyond what is good to cache, so that it gets into nobody's way, and far
   * below what takes a process down: gRPC's is 4 MiB, memcached's 1 MiB, Redis' 512 MB. Above 127
   * MiB `Bun.serve` needs a `maxRequestBodySize` to match.
   *
   * @default 67108864, which is 64 MiB
   */
  maxValueBytes: number;
  /**
   * Keys in one request, at most 10,000.
   *
   * @default 1000
   */
  maxKeys: number;
  /**
   * Bytes of keys in one request, as UTF-16, at most 8 MiB. One key is sent whatever its length.
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
  /**
   * Channels to peers that may be open, each of which is a request that goes on; 0 for none. Peers
   * beyond that are sent ordinary requests. Bun allows 256 requests in a process.
   *
   * @default 64
   */
  maxChannels: number;
  /**
   * Bytes of requests that are being received, those of at most 64 KiB apart. A request for which there
   * is no room waits for 10 seconds at most, then it fails with code `overloaded`. A larger one than
   * all of this is received alone. One that comes more slowly than 16 KB a second is refused.
   *
   * @default 33554432, which is 32 MiB
   */
  maxReceivedBytes: number;
  /**
   * Bytes of values of more than 256 KiB that are being sent to peers. As above for those for which
   * there is no room, larger ones, and readers that are too slow.
   *
   * @default 33554432, which is 32 MiB
   */
  maxSentBytes: number;
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
};

/** What peers take. A UTF-16 unit is at most three bytes of UTF-8, and a tag goes with each key. */
const MAXIMA: Partial<PeerLimits> = { maxKeys: MAX_LIST_KEYS, maxKeyBytes: MAX_LIST_BYTES / 2 };

/**
 * Checks limits that came in, and fills in the defaults.
 *
 * @throws {RangeError} If one is not a positive integer, or more than peers take.
 */
export function checkLimits(limits: Partial<PeerLimits>): PeerLimits {
  const checked: PeerLimits = { ...DEFAULTS };
  for (const [name, value] of Object.entries(limits)) {
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
