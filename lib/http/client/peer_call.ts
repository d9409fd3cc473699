import type { PeerCallOptions } from "../../peer/peer.ts";
import type { Cancellation } from "../../timing/cancellation.ts";
import type { Waiter } from "../../timing/waiter.ts";

/** The greatest size of a character of UTF-16 in UTF-8, in bytes. */
export const MAX_CHARACTER_BYTES = 3;

/** A caller's wait for the outcome of one call to a peer, which may travel together with others. */
export abstract class PeerCall<Outcome> {
  readonly group: string;
  readonly key: string;
  /** How long the peer may spend on a load for it, in milliseconds. */
  readonly loadTimeoutMs: number | undefined;
  /** Whether the peer must answer without a load. */
  readonly peek: boolean;
  /** Whether it is one of several calls that are sent together. */
  readonly together: boolean;
  /** The trace that the call belongs to. */
  readonly traceparent: string | undefined;
  /** When it was sent on its channel, in Unix milliseconds. */
  sentAtMs = 0;
  /** The id of the call on its channel. */
  id = 0;
  /** Called when the caller leaves before the call is settled. */
  onLeave: ((call: this, reason: unknown) => void) | undefined;
  #signal: Cancellation | undefined;
  #waiter: Waiter<Outcome>;
  #isSettled = false;

  constructor(
    group: string,
    key: string,
    { signal, loadTimeoutMs, peek = false, together = false, traceparent }: PeerCallOptions,
    waiter: Waiter<Outcome>,
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

  /** What the calls of a message have in common. */
  abstract get kind(): string;

  /** How many bytes of a message the call takes at most, beside its key. */
  abstract get extraBytes(): number;

  /** How many bytes of a message the call takes at most. */
  get maxBytes(): number {
    return MAX_CHARACTER_BYTES * this.key.length + this.extraBytes;
  }

  /** Whether the caller has an outcome or an error, or has left. */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Resolves the call. */
  resolve(outcome: Outcome): void {
    if (this.#settle()) this.#waiter.resolve(outcome);
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
