import type { Cancellation } from "../../timing/cancellation.ts";
import type { Waiter } from "../../timing/waiter.ts";
import type { EncodedValue, PeerCallOptions } from "../../peer/peer.ts";

/** A caller's wait for one key of a peer, however the key is sent. */
export class KeyCall {
  readonly group: string;
  readonly key: string;
  /** How long the peer may spend on a load for it, in milliseconds. */
  readonly loadTimeoutMs: number | undefined;
  /** Whether the peer must answer from memory. */
  readonly peek: boolean;
  /** Whether it is one of several calls that are sent together. */
  readonly together: boolean;
  /** The trace that the call belongs to. */
  readonly traceparent: string | undefined;
  /** How many times the key was sent. */
  attempts = 0;
  /** When it was sent on its channel, in Unix milliseconds. */
  sentAtMs = 0;
  /** The id of the call on its channel. */
  id = 0;
  /** Whether the value is too large for a channel. */
  isLarge = false;
  /** Called when the caller leaves before the call is settled. */
  onLeave: ((call: KeyCall, reason: unknown) => void) | undefined;
  #signal: Cancellation | undefined;
  #waiter: Waiter<EncodedValue>;
  #isSettled = false;

  constructor(
    group: string,
    key: string,
    { signal, loadTimeoutMs, peek = false, together = false, traceparent }: PeerCallOptions,
    waiter: Waiter<EncodedValue>,
  ) {
    this.group = group;
    this.key = key;
    this.loadTimeoutMs = loadTimeoutMs;
    this.peek = peek;
    this.together = together;
    this.traceparent = traceparent;
    this.#waiter = waiter;
    this.#signal = signal;
    if (signal?.aborted) this.handleEvent();
    else signal?.addEventListener("abort", this, { once: true });
  }

  /** Whether the caller has a value or an error, or has left. */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Resolves the call. */
  resolve(value: EncodedValue): void {
    if (this.#settle()) this.#waiter.resolve(value);
  }

  /** Rejects the call. */
  reject(error: unknown): void {
    if (this.#settle()) this.#waiter.reject(error);
  }

  /** The caller leaves. */
  handleEvent(): void {
    const reason = this.#signal?.reason;
    if (!this.#settle()) return;
    this.#waiter.reject(reason);
    this.onLeave?.(this, reason);
  }

  #settle(): boolean {
    if (this.#isSettled) return false;
    this.#isSettled = true;
    this.#signal?.removeEventListener("abort", this);
    return true;
  }
}
