/** The media type of every message between peers. */
export const PROTOBUF = "application/x-protobuf";

/** The media type of the messages of a channel, both ways. */
export const CHANNEL_MESSAGES = "application/x-groupcache-channel";

/** What this implementation calls its protocol. A peer that sends it takes batches. */
export const PROTOCOL_VERSION = "1";

/** On every reply of ours: {@linkcode PROTOCOL_VERSION}. */
export const VERSION = "groupcache-version";

/** On replies to hellos: the version of the channels that this process serves. */
export const CHANNEL = "groupcache-channel";

/** The channels of this implementation. */
export const CHANNEL_VERSION = "1";

/** On every reply without a value: an error's code, so that no proxy's status passes for ours. */
export const ERROR = "groupcache-error";

/** On every request and reply of ours: the instance id of the sender. */
export const FROM = "groupcache-from";

/** On requests: answer from memory or not at all. */
export const PEEK = "groupcache-peek";

/** On requests that change a key: the change. See `ChangeNote`. */
export const CHANGE = "groupcache-change";

/** On a reply that refuses an outdated change: the latest time that the peer knows. */
export const TIME = "groupcache-time";

/** On replies to changes: a mark of the process that replies. See `ChangeNote`. */
export const MARK = "groupcache-mark";

/** On requests: how long the owner may spend on a load, in milliseconds. */
export const TIMEOUT = "groupcache-timeout-ms";

/** On requests for one key: the trace that it is asked for in, by W3C's Trace Context. */
export const TRACEPARENT = "traceparent";
