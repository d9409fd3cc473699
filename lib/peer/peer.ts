import type { Cancellation } from "../timing/cancellation.ts";
import type { ByteView } from "../byte_view.ts";
import type { Hello } from "../wire/hello.ts";
import type { PeerHealth } from "./health.ts";

/** A value as it travels: encoded, and with its end. */
export interface EncodedValue {
  readonly view: ByteView;
  /** When the value ends, in Unix milliseconds; `Infinity` if never. */
  readonly expiresAtMs: number;
  /** How often peers ask the value's owner for it, per minute, if the owner counts. */
  readonly minuteQps?: number | undefined;
}

/** A value as it lies in memory, to be copied before anything else is done with the group. */
export interface BorrowedValue {
  readonly value: Uint8Array<ArrayBuffer>;
  /** When the value ends, in Unix milliseconds; `Infinity` if never. */
  readonly expiresAtMs: number;
}

/** What a call to a peer may take with it. */
export interface PeerCallOptions {
  /** Ends the call: it rejects with the signal's reason. */
  readonly signal?: Cancellation | undefined;
  /** How long the peer may spend on a load that this call asks for, in milliseconds. */
  readonly loadTimeoutMs?: number | undefined;
  /** Whether the peer is to answer from memory or not at all: then with code `not-found`. */
  readonly peek?: boolean | undefined;
  /**
   * Whether the call is one of several, made in one turn, that the peer is to see in one request, so
   * that it can load what it lacks of them in one go.
   */
  readonly together?: boolean | undefined;
}

/**
 * One peer as we see it. Whatever keeps it from answering is a `GroupCacheError` with code
 * `peer-failed`: somebody else may be asked. Any other `GroupCacheError` is its answer.
 */
export interface Peer {
  /** The peer's base URL. */
  readonly url: string;
  /** Whether it is worth asking. */
  readonly health: PeerHealth;
  /** The value of a key, which the peer loads if it does not have it. */
  get(group: string, key: string, options?: PeerCallOptions): Promise<EncodedValue>;
  /** Puts a value into the peer's own memory. */
  set(group: string, key: string, value: EncodedValue, options?: PeerCallOptions): Promise<void>;
  /** Removes a key from the peer's own memory, and lets no load under way put it back. */
  remove(group: string, key: string, options?: PeerCallOptions): Promise<void>;
  /** Has the peer fetch keys out of this process's memory. Resolves when it has done so. */
  handoff(group: string, keys: readonly string[], options?: PeerCallOptions): Promise<void>;
  /** Says hello. Returns the peer's own, or undefined if it answers but knows no hellos. */
  hello(hello: Hello, options?: PeerCallOptions): Promise<Hello | undefined>;
}

/** What a group answers to its peers: from its own memory or its own loader, never from others. */
export interface PeerBackend {
  /** Takes note of a request for a key. Returns the key's rate, in requests per minute. */
  count(key: string): number;
  /** The value of a key if it is in memory. */
  find(key: string): BorrowedValue | undefined;
  /** The value of a key that was not found, loaded here. */
  load(key: string, signal: AbortSignal): Promise<EncodedValue>;
  /** Puts a value into memory. */
  put(key: string, value: EncodedValue): void;
  /** Removes a key from memory, and lets no load under way put it back. */
  drop(key: string): void;
  /** Fetches keys that a peer has in memory and hands over. It never rejects. */
  acceptHandoff(keys: readonly string[], from: Peer): Promise<void>;
}
