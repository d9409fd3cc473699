import type { Cancellation } from "../cancellation.ts";
import type { Clock } from "../clock.ts";

/**
 * Ends a call when its caller leaves, or when the peer is silent for too long. The signal alone
 * is not enough: a runtime may ignore it while it connects, so every wait is raced against it.
 */
export class Patience {
  #clock: Clock;
  #controller = new AbortController();
  /** Ends the wait under way. */
  #endWait: ((reason: unknown) => void) | undefined;
  #callerSignal: Cancellation | undefined;
  #callerLeft = false;
  #onAbort = () => this.leave(this.#callerSignal?.reason);

  /** @param signal The caller's, unless `leave` is called instead. */
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
    // By hand: a call has several waits, and a race within an async function costs more.
    return new Promise((resolve, reject) => {
      let waitedMs = silenceMs;
      const onTime = (): void => {
        const ms = moreMs();
        waitedMs += ms;
        if (ms > 0) timer = this.#clock.setTimeout(onTime, ms);
        else this.#abort(new Error(`no sign of life for ${waitedMs} ms`));
      };
      let timer = silenceMs === Infinity ? undefined : this.#clock.setTimeout(onTime, silenceMs);
      const end = () => {
        // Late or not: after an aborted wait there is no other.
        this.#endWait = undefined;
        if (timer !== undefined) this.#clock.clearTimeout(timer);
      };
      this.#endWait = (reason) => {
        end();
        reject(reason);
      };
      promise.then((value) => {
        end();
        resolve(value);
      }, (error) => {
        end();
        reject(error);
      });
    });
  }

  /** Stops listening to the caller. */
  end(): void {
    this.#callerSignal?.removeEventListener("abort", this.#onAbort);
  }

  #abort(reason: unknown): void {
    this.#controller.abort(reason);
    this.#endWait?.(reason);
  }
}
