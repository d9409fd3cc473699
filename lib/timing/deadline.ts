import { type Cancellation, LightCancellation } from "./cancellation.ts";
import type { Clock } from "./clock.ts";

/**
 * Runs `work` for a limited time. The outcome comes at the deadline even if the work ignores the
 * signal that it is given; what the work does after that is ignored. No timer and no listener stays
 * behind.
 */
export function withDeadline<Result>(
  work: (signal: Cancellation) => Result | Promise<Result>,
  { clock, ms, onLate, signal }: DeadlineOptions<Result>,
): Promise<Result> {
  if (signal?.aborted) return Promise.reject(signal.reason);
  const { promise, resolve, reject } = Promise.withResolvers<Result>();
  const end = new LightCancellation();
  const release = (): void => {
    clock.clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  };
  // The outcome is settled before the work hears of it, so that its own rejection comes too late.
  const onAbort = (): void => {
    release();
    reject(signal?.reason);
    end.abort(signal?.reason);
  };
  const onTimer = (): void => {
    release();
    let reason: unknown = new DOMException(`Not done within ${ms} ms`, "TimeoutError");
    try {
      resolve(onLate());
    } catch (error) {
      reason = error;
      reject(error);
    }
    end.abort(reason);
  };
  const timer = ms === Infinity ? undefined : clock.setTimeout(onTimer, ms);
  signal?.addEventListener("abort", onAbort, { once: true });
  const onDone = (result: Result): void => {
    release();
    resolve(result);
  };
  const onError = (error: unknown): void => {
    release();
    reject(error);
  };
  try {
    // What a user's loader returns may be any thenable.
    Promise.resolve(work(end)).then(onDone, onError);
  } catch (error) {
    onError(error);
  }
  return promise;
}

/** Options for {@linkcode withDeadline}. */
export interface DeadlineOptions<Result> {
  clock: Clock;
  /** How long the work may take, in milliseconds; `Infinity` for no limit. */
  ms: number;
  /**
   * Called when the time is up. What it returns, or throws, is the outcome; the work's signal then
   * aborts with what it threw.
   */
  onLate: () => Result;
  /**
   * Ends the work early: the outcome is then a rejection with the signal's reason.
   *
   * @default none
   */
  signal?: Cancellation | undefined;
}
