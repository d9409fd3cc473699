import { type Cancellation, LightCancellation } from "../timing/cancellation.ts";

/** One run of work for a key, as the work itself sees it. */
export interface Flight {
  /**
   * Aborts when the last waiter has gone, or when the flight is failed from outside. It is no
   * `AbortSignal`: whoever needs a real one has it follow this one.
   */
  readonly signal: Cancellation;
  /**
   * Whether new callers would still join. No longer so once the key was forgotten: what the work
   * brings back then goes to its waiters and must not be cached.
   */
  readonly isCurrent: boolean;
  /** Ends the flight for all its waiters, whatever becomes of the work. */
  fail(reason: unknown): void;
}

/**
 * Runs work once per key and shares what comes of it among all who ask meanwhile.
 *
 * A caller's signal ends that caller's wait. When the last waiter has gone the work's own signal
 * aborts, and whoever comes after that starts afresh. A flight that nobody can join any more
 * never disturbs the one that took its place.
 */
export class SingleFlight<Value> {
  #flights = new Map<string, SharedRun<Value>>();
  /** Flights that nobody can join any more but somebody still waits for. */
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

  /** Lets whoever asks for `key` next start afresh. Those who wait still get their value. */
  forget(key: string): void {
    const flight = this.#flights.get(key);
    if (flight === undefined) return;
    this.#flights.delete(key);
    this.#forgotten.add(flight);
  }

  /** Resolves when no flight is under way, the forgotten ones included, nor one that began since. */
  async idle(): Promise<void> {
    for (;;) {
      const flights = [...this.#flights.values(), ...this.#forgotten];
      if (flights.length === 0) return;
      await Promise.allSettled(flights.map((flight) => flight.wait(undefined)));
    }
  }

  /** Fails every flight, the forgotten ones too. */
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

  wait(signal: Cancellation | undefined): Promise<Value> {
    this.#waiters++;
    if (signal === undefined) return this.#outcome.promise;
    const { promise, resolve, reject } = Promise.withResolvers<Value>();
    const leave = () => {
      reject(signal.reason);
      if (--this.#waiters === 0) this.fail(signal.reason);
    };
    signal.addEventListener("abort", leave, { once: true });
    this.#outcome.promise.then(resolve, reject).finally(() => {
      signal.removeEventListener("abort", leave);
    });
    return promise;
  }

  /**
   * Ends the flight, before its waiters run, so that what they call next never joins it. Returns
   * false if it had ended before.
   */
  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    if (!this.#forgotten.delete(this)) this.#flights.delete(this.#key);
    return true;
  }
}
