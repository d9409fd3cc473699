import type { Cancellation } from "../../timing/cancellation.ts";
import { Due, type DueQueue } from "../../timing/due_queue.ts";

/**
 * Ends a call when its caller leaves, or when the peer is silent for too long. The signal alone
 * is not enough: a runtime may ignore it while it connects, so every wait is raced against it.
 */
export class Patience extends Due {
  #silences: DueQueue;
  #controller = new AbortController();
  /** Fails the wait under way. */
  #reject: ((reason: unknown) => void) | undefined;
  /** How much longer to wait when the time is over. */
  #moreMs = (): number => 0;
  #waitedMs = 0;
  #callerSignal: Cancellation | undefined;
  #callerLeft = false;
  #onAbort = () => this.leave(this.#callerSignal?.reason);

  /**
   * @param silences Where to wait for the end of a silence.
   * @param signal The caller's, unless `leave` is called instead.
   */
  constructor(silences: DueQueue, signal: Cancellation | undefined) {
    super();
    this.#silences = silences;
    this.#callerSignal = signal;
    if (signal?.aborted) this.#onAbort();
    else signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** For `fetch`. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether it was the caller who ended the call. */
  get callerLeft(): boolean {
    return this.#callerLeft;
  }

  /** The caller leaves. */
  leave(reason: unknown): void {
    this.#callerLeft = true;
    this.#abort(reason);
  }

  /**
   * Waits for the peer's next sign of life, `silenceMs` milliseconds at most, or for ever. One wait
   * at a time.
   *
   * @param moreMs Called when the time is over: how much longer to wait, 0 for no longer.
   */
  wait<T>(promise: Promise<T>, silenceMs: number, moreMs = (): number => 0): Promise<T> {
    const { signal } = this.#controller;
    if (signal.aborted) {
      promise.catch(() => {});
      return Promise.reject(signal.reason);
    }
    this.#moreMs = moreMs;
    this.#waitedMs = silenceMs;
    if (silenceMs !== Infinity) this.#silences.add(this, silenceMs);
    // By hand: a call has several waits, and a race within an async function costs more.
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      promise.then((value) => {
        this.#endWait();
        resolve(value);
      }, (error) => {
        this.#endWait();
        reject(error);
      });
    });
  }

  override onDue(): void {
    const ms = this.#moreMs();
    this.#waitedMs += ms;
    if (ms > 0) this.#silences.add(this, ms);
    else this.#abort(new Error(`no sign of life for ${this.#waitedMs} ms`));
  }

  /** Stops listening to the caller. */
  end(): void {
    this.#callerSignal?.removeEventListener("abort", this.#onAbort);
  }

  #abort(reason: unknown): void {
    this.#controller.abort(reason);
    const reject = this.#reject;
    this.#endWait();
    reject?.(reason);
  }

  /** Late or not: after an aborted wait there is no other. */
  #endWait(): void {
    this.#reject = undefined;
    this.queue?.remove(this);
  }
}
