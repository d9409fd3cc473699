import { type Cancellation, LightCancellation } from "../timing/cancellation.ts";

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
  #flights = new Map<string, SharedRun<Value>>();
  /** Flights that can no longer be joined, but still have waiters. */
  #forgotten = new Set<SharedRun<Value>>();

  /** Whether a flight for `key` can be joined. */
  has(key: string): boolean {
    return this.#flights.has(key);
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
    const joined = this.#flights.get(key);
    if (joined !== undefined) return joined.wait(signal);
    const flight = new SharedRun(key, this.#flights, this.#forgotten);
    this.#flights.set(key, flight);
    flight.start(work);
    return flight.wait(signal);
  }

  /** Makes the next caller for `key` start a new flight. Those who wait still get their value. */
  forget(key: string): void {
    const flight = this.#flights.get(key);
    if (flight === undefined) return;
    this.#flights.delete(key);
    this.#forgotten.add(flight);
  }

  /** Resolves once nothing is in flight, including forgotten flights and those that start meanwhile. */
  async idle(): Promise<void> {
    for (;;) {
      const flights = [...this.#flights.values(), ...this.#forgotten];
      if (flights.length === 0) return;
      await Promise.allSettled(flights.map((flight) => flight.outcome));
    }
  }

  /** As `forget`, for all keys. */
  forgetAll(): void {
    for (const key of [...this.#flights.keys()]) this.forget(key);
  }

  /** Fails every flight, including forgotten ones. */
  failAll(reason: unknown): void {
    for (const flight of [...this.#flights.values(), ...this.#forgotten]) flight.fail(reason);
  }
}

class SharedRun<Value> implements Flight {
  #key: string;
  #flights: Map<string, SharedRun<Value>>;
  #forgotten: Set<SharedRun<Value>>;
  #outcome = Promise.withResolvers<Value>();
  #end = new LightCancellation();
  #settled = false;
  #waiters = 0;

  constructor(
    key: string,
    flights: Map<string, SharedRun<Value>>,
    forgotten: Set<SharedRun<Value>>,
  ) {
    this.#key = key;
    this.#flights = flights;
    this.#forgotten = forgotten;
  }

  get signal(): Cancellation {
    return this.#end;
  }

  get isCurrent(): boolean {
    return this.#flights.get(this.#key) === this;
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
    this.#end.abort(reason);
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
    if (this.#settled) return false;
    this.#settled = true;
    if (!this.#forgotten.delete(this)) this.#flights.delete(this.#key);
    return true;
  }
}
