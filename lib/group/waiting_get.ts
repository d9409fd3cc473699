import type { EncodedValue } from "../peer/peer.ts";
import type { Cancellation } from "../timing/cancellation.ts";
import type { Waiter } from "../timing/waiter.ts";

/** A value on its way to the callers that wait for it. */
export interface FetchedValue<T> extends EncodedValue {
  /** Set by the first waiter, if decoded values may be shared. */
  decoded?: T;
}

/** What becomes of the outcomes of a group's misses. */
export interface Outcomes<T> {
  /** Decodes a value for one caller, and counts the answer. May throw. */
  decode(key: string, fetched: FetchedValue<T>, get: MissedGet): T | Promise<T>;
  /** Counts an error for one caller. */
  failed(error: unknown, get: MissedGet): void;
}

/** A caller's `get` of a key that is not in memory. */
export interface MissedGet {
  readonly signal: Cancellation | undefined;
  /** By the group's stopwatch. */
  readonly startedAtMs: number;
}

/** One caller's wait for a flight: its promise is the only one between the caller and the peer. */
export class WaitingGet<T> implements MissedGet, Waiter<FetchedValue<T>> {
  readonly signal: Cancellation | undefined;
  readonly startedAtMs: number;
  readonly promise: Promise<T>;
  #key: string;
  #outcomes: Outcomes<T>;
  #resolve!: (value: T | Promise<T>) => void;
  #reject!: (error: unknown) => void;

  constructor(
    outcomes: Outcomes<T>,
    key: string,
    signal: Cancellation | undefined,
    startedAtMs: number,
  ) {
    this.#outcomes = outcomes;
    this.#key = key;
    this.signal = signal;
    this.startedAtMs = startedAtMs;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  resolve(fetched: FetchedValue<T>): void {
    try {
      this.#resolve(this.#outcomes.decode(this.#key, fetched, this));
    } catch (error) {
      this.#reject(error);
    }
  }

  reject(error: unknown): void {
    this.#outcomes.failed(error, this);
    this.#reject(error);
  }
}
