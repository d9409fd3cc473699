import { type Cancellation, LightCancellation } from "../timing/cancellation.ts";
import { KeyTable } from "./key_table.ts";

/** One run of work for a key, as the work sees it. */
export interface Flight {
  /**
   * Aborts when the last waiter has left, or when the flight is failed from outside. It is not an
   * `AbortSignal`: see `toAbortSignal`.
   */
  readonly signal: Cancellation;
  /**
   * Whether new callers would still join. Once the key was forgotten they do not: the result then
   * goes to the waiters and must not be cached.
   */
  readonly isCurrent: boolean;
  /** Rejects for all waiters, whatever the work does afterwards. */
  fail(reason: unknown): void;
}

/**
 * Runs work once per key, and shares the outcome among all callers that ask in the meantime.
 *
 * A caller's signal ends that caller's wait. When the last waiter has left, the work's own signal
 * aborts, and the next caller starts a new flight. A flight that can no longer be joined never
 * interferes with the one that replaced it.
 */
export class SingleFlight<Value> {
  #runs: Runs<Value> = { current: new KeyTable(), forgotten: new Set() };

  /** Whether a flight for `key` can be joined. */
  has(key: string): boolean {
    return this.#runs.current.get(key) !== undefined;
  }

  /**
   * Joins the key's flight, or starts one with `work`. Rejects with the signal's reason as soon as
   * `signal` aborts.
   */
  run(
    key: string,
    signal: Cancellation | undefined,
    work: (flight: Flight) => Promise<Value>,
  ): Promise<Value> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const { current } = this.#runs;
    const keyHash = current.hash(key);
    const joined = current.get(key, keyHash);
    if (joined !== undefined) return joined.wait(signal);
    const flight = new SharedRun(key, keyHash, this.#runs);
    current.add(flight);
    flight.start(work);
    return flight.wait(signal);
  }

  /** Makes the next caller for `key` start a new flight. Those who wait still get their value. */
  forget(key: string): void {
    this.#runs.current.get(key)?.forget();
  }

  /** Resolves once nothing is in flight, including forgotten flights and those that start meanwhile. */
  async idle(): Promise<void> {
    for (;;) {
      const runs = this.#all();
      if (runs.length === 0) return;
      await Promise.allSettled(runs.map((run) => run.outcome));
    }
  }

  /** As `forget`, for all keys. */
  forgetAll(): void {
    for (const run of this.#runs.current.entries()) run.forget();
  }

  /** Fails every flight, including forgotten ones. */
  failAll(reason: unknown): void {
    for (const run of this.#all()) run.fail(reason);
  }

  #all(): SharedRun<Value>[] {
    const { current, forgotten } = this.#runs;
    return [...current.entries(), ...forgotten];
  }
}

/** The flights of a {@linkcode SingleFlight}. */
interface Runs<Value> {
  /** Those that can be joined. */
  readonly current: KeyTable<SharedRun<Value>>;
  /** Those that can no longer be joined, but still have waiters. */
  readonly forgotten: Set<SharedRun<Value>>;
}

/** A flight, and in one object its signal: it is made for each miss. */
class SharedRun<Value> extends LightCancellation implements Flight {
  readonly key: string;
  readonly keyHash: number;
  /** The next entry in its bucket of the table. */
  behind: SharedRun<Value> | undefined;
  isCurrent = true;
  #runs: Runs<Value>;
  #outcome = Promise.withResolvers<Value>();
  #isSettled = false;
  #waiters = 0;

  constructor(key: string, keyHash: number, runs: Runs<Value>) {
    super();
    this.key = key;
    this.keyHash = keyHash;
    this.#runs = runs;
  }

  get signal(): Cancellation {
    return this;
  }

  start(work: (flight: Flight) => Promise<Value>): void {
    let run: Promise<Value>;
    try {
      run = work(this);
    } catch (error) {
      run = Promise.reject(error);
    }
    run.then(
      (value) => this.#settle() && this.#outcome.resolve(value),
      (error) => this.#settle() && this.#outcome.reject(error),
    );
  }

  fail(reason: unknown): void {
    if (!this.#settle()) return;
    this.#outcome.reject(reason);
    this.abort(reason);
  }

  /** Lets nobody else join. */
  forget(): void {
    if (!this.isCurrent) return;
    this.isCurrent = false;
    this.#runs.current.delete(this);
    this.#runs.forgotten.add(this);
  }

  /** The result. Awaiting it does not keep the flight going, as a waiter does. */
  get outcome(): Promise<Value> {
    return this.#outcome.promise;
  }

  wait(signal: Cancellation | undefined): Promise<Value> {
    this.#waiters++;
    if (signal === undefined) return this.#outcome.promise;
    const { promise, resolve, reject } = Promise.withResolvers<Value>();
    const leave = () => {
      reject(signal.reason);
      if (--this.#waiters === 0) this.fail(signal.reason);
    };
    // The work may have aborted it before its first await.
    if (signal.aborted) leave();
    else signal.addEventListener("abort", leave, { once: true });
    this.#outcome.promise.then(resolve, reject).finally(() => {
      signal.removeEventListener("abort", leave);
    });
    return promise;
  }

  /**
   * Ends the flight before its waiters run, so that their next calls never join it. Returns false if
   * it had already ended.
   */
  #settle(): boolean {
    if (this.#isSettled) return false;
    this.#isSettled = true;
    if (this.isCurrent) this.#runs.current.delete(this);
    else this.#runs.forgotten.delete(this);
    this.isCurrent = false;
    return true;
  }
}
