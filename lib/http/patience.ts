import type { Cancellation } from "../cancellation.ts";
import type { Clock } from "../clock.ts";

/**
 * Ends a call when its caller leaves, or when the peer is silent for too long. The signal alone
 * is not enough: a runtime may ignore it while it connects, so every wait is raced against it.
 */
export class Patience {
  #clock: Clock;
  #controller = new AbortController();
  #callerSignal: Cancellation | undefined;
  #onAbort = () => this.#controller.abort(this.#callerSignal?.reason);

  /** @param signal The caller's. */
  constructor(clock: Clock, signal: Cancellation | undefined) {
    this.#clock = clock;
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
    return this.#callerSignal?.aborted ?? false;
  }

  /** Waits for the peer's next sign of life, `silenceMs` milliseconds at most, or for ever. */
  async wait<T>(promise: Promise<T>, silenceMs: number): Promise<T> {
    const ended = Promise.withResolvers<never>();
    const onAbort = () => ended.reject(this.signal.reason);
    if (this.signal.aborted) onAbort();
    else this.signal.addEventListener("abort", onAbort, { once: true });
    const timer = silenceMs === Infinity ? undefined : this.#clock.setTimeout(() => {
      this.#controller.abort(new Error(`no sign of life for ${silenceMs} ms`));
    }, silenceMs);
    try {
      return await Promise.race([promise, ended.promise]);
    } finally {
      this.#clock.clearTimeout(timer);
      this.signal.removeEventListener("abort", onAbort);
    }
  }

  /** Stops listening to the caller. */
  end(): void {
    this.#callerSignal?.removeEventListener("abort", this.#onAbort);
  }
}
