import type { Cancellation } from "../timing/cancellation.ts";
import type { Waiter } from "../timing/waiter.ts";
import type { ByteView } from "../byte_view.ts";
import type { ChangeNote } from "../wire/change_note.ts";
import type { Hello } from "../wire/hello.ts";
import type { ReportQuestion } from "../wire/report_question.ts";
import type { PeerHealth } from "./health.ts";

/** A value as it is sent between processes: encoded, and with its expiry. */
export interface EncodedValue {
  readonly view: ByteView;
  /** When the value expires, in Unix milliseconds; `Infinity` for never. */
  readonly expiresAtMs: number;
  /** How often peers ask the owner for the value, per minute, if the owner measures it. */
  readonly minuteQps?: number | undefined;
  /** Where this process got it from, if not from the peer that it asked. */
  readonly source?: "load" | "handoff" | undefined;
}

/** A value as it lies in memory. Copy it before you do anything else with the group. */
export interface BorrowedValue {
  readonly value: Uint8Array<ArrayBuffer>;
  /** When the value expires, in Unix milliseconds; `Infinity` for never. */
  readonly expiresAtMs: number;
}

/** Options for the calls of a {@linkcode Peer}. */
export interface PeerCallOptions {
  /** Ends the call: it rejects with the signal's reason. */
  readonly signal?: Cancellation | undefined;
  /** How long the peer may spend on a load for this call, in milliseconds. */
  readonly loadTimeoutMs?: number | undefined;
  /** Whether the peer must answer from memory; if the key is not there, with code `not-found`. */
  readonly peek?: boolean | undefined;
  /**
   * Whether the call is one of several, made in one turn, that should reach the peer in one request,
   * so that it can load the missing ones in one query.
   */
  readonly together?: boolean | undefined;
  /** The trace that the call belongs to, by W3C's Trace Context. */
  readonly traceparent?: string | undefined;
  /** What the peer is told of the change that this call makes. */
  readonly change?: ChangeNote | undefined;
}

/**
 * A peer, as this process sees it. If it cannot be asked, a call rejects with a `GroupCacheError` with
 * code `peer-failed`, and another process may be asked. Any other `GroupCacheError` is its answer.
 */
export interface Peer {
  /** The peer's base URL. */
  readonly url: string;
  /** Whether it is worth asking. */
  readonly health: PeerHealth;
  /** The process that this process takes to be at the URL, by its instance id, once it has met it. */
  instance?: string | undefined;
  /** The last mark of the peer that this process has heard of. */
  mark?: string | undefined;
  /** Returns the value of a key. The peer loads it if it does not have it. */
  get(group: string, key: string, options?: PeerCallOptions): Promise<EncodedValue>;
  /** As `get`, for a waiter. It may be told at once. */
  request(
    group: string,
    key: string,
    options: PeerCallOptions,
    waiter: Waiter<EncodedValue>,
  ): void;
  /**
   * Stores a value in the peer's own memory. Returns 0, or, if the peer refuses because it knows of a
   * later change of the key, the latest time that it has heard of.
   */
  set(group: string, key: string, value: EncodedValue, options?: PeerCallOptions): Promise<number>;
  /** Removes a key from the peer's own memory. A load in flight does not bring it back. */
  remove(group: string, key: string, options?: PeerCallOptions): Promise<void>;
  /** Makes the peer fetch keys from this process's memory. Resolves once it has. */
  handoff(group: string, keys: readonly string[], options?: PeerCallOptions): Promise<void>;
  /** Says hello. Returns the peer's hello, or undefined if the peer answers but knows no hellos. */
  hello(hello: Hello, options?: PeerCallOptions): Promise<Hello | undefined>;
  /** Asks the peer to tell of itself. Returns what it says: JSON of a form that is not checked. */
  report(question: ReportQuestion, options?: PeerCallOptions): Promise<unknown>;
}

/** The part of a group that answers peers: from its own memory and loader, never from others. */
export interface PeerBackend {
  /** Whether keys whose loads begin together are loaded in one query. */
  readonly loadsTogether: boolean;
  /** Counts a peer request for a key, by the clock. Returns the key's rate, in requests per minute. */
  count(key: string, nowMs: number): number;
  /** Returns the value of a key if it is in memory. */
  find(key: string): BorrowedValue | undefined;
  /** As `find`, but the value stays valid, and is not counted as an answer. */
  hold(key: string): EncodedValue | undefined;
  /**
   * Loads a key that was not found.
   *
   * @param traceparent The trace that the peer's call belongs to, by W3C's Trace Context.
   */
  load(key: string, signal: AbortSignal, traceparent?: string): Promise<EncodedValue>;
  /** Stores a value in memory. */
  put(key: string, value: EncodedValue): void;
  /** Fetches keys that a peer hands off. Never rejects. */
  acceptHandoff(keys: readonly string[], from: Peer): Promise<void>;
}
