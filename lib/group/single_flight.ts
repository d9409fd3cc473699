import { type Cancellation, LightCancellation } from "../timing/cancellation.ts";
import { deliver, type Waiter } from "../timing/waiter.ts";
import { KeyTable } from "./key_table.ts";

/** One run of work for a key, as the work sees it. It waits for the outcome of the work. */
export interface Flight<Value = unknown> extends Waiter<Value> {
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
  /** Rejects for all waiters, whatever the work does afterwards, and aborts the work. */
  fail(reason: unknown): void;
}

/** Starts the work of a flight. Returns its outcome, or undefined if it settles the flight itself. */
type Work<Value> = (flight: Flight<Value>) => Promise<Value> | undefined;

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
  run(key: string, signal: Cancellation | undefined, work: Work<Value>): Promise<Value> {
    const waiter = Promise.withResolvers<Value>();
    this.join(key, waiter, signal, work);
    return waiter.promise;
  }

  /** As `run`, for a waiter. */
  join(
    key: string,
    waiter: Waiter<Value>,
    signal: Cancellation | undefined,
    work: Work<Value>,
  ): void {
    if (signal?.aborted) return waiter.reject(signal.reason);
    const { current } = this.#runs;
    const keyHash = current.hash(key);
    const joined = current.get(key, keyHash);
    if (joined !== undefined) return joined.add(waiter, signal);
    const flight = new SharedRun(key, keyHash, this.#runs);
    current.add(flight);
    // First, because the work may settle the flight, or abort the signal, before it returns.
    flight.add(waiter, signal);
    flight.start(work);
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
      await Promise.all(runs.map((run) => run.ended()));
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
class SharedRun<Value> extends LightCancellation implements Flight<Value> {
  readonly key: string;
  readonly keyHash: number;
  /** The next entry in its bucket of the table. */
  behind: SharedRun<Value> | undefined;
  isCurrent = true;
  #runs: Runs<Value>;
  /** Nearly always the only one; an array of one would cost more. */
  #waiter: Waiter<Value> | undefined;
  #others: Waiter<Value>[] | undefined;
  #ended: PromiseWithResolvers<void> | undefined;
  #isSettled = false;

  constructor(key: string, keyHash: number, runs: Runs<Value>) {
    super();
    this.key = key;
    this.keyHash = keyHash;
    this.#runs = runs;
  }

  get signal(): Cancellation {
    return this;
  }

  start(work: Work<Value>): void {
    try {
      const outcome = work(this);
      if (outcome !== undefined) deliver(outcome, this);
    } catch (error) {
      this.reject(error);
    }
  }

  add(waiter: Waiter<Value>, signal: Cancellation | undefined): void {
    const added = signal === undefined ? waiter : new LeavingWaiter(this, waiter, signal);
    if (this.#waiter === undefined) this.#waiter = added;
    else (this.#others ??= []).push(added);
  }

  /** Without waiters the flight fails. */
  remove(waiter: Waiter<Value>, reason: unknown): void {
    // One waiter may make another leave while all are told.
    if (this.#isSettled) return;
    if (this.#waiter === waiter) this.#waiter = this.#others?.pop();
    else this.#others?.splice(this.#others.indexOf(waiter), 1);
    if (this.#waiter === undefined) this.fail(reason);
  }

  resolve(value: Value): void {
    if (!this.#settle()) return;
    this.#waiter?.resolve(value);
    for (const waiter of this.#others ?? []) waiter.resolve(value);
  }

  reject(error: unknown): void {
    if (!this.#settle()) return;
    this.#waiter?.reject(error);
    for (const waiter of this.#others ?? []) waiter.reject(error);
  }

  fail(reason: unknown): void {
    if (this.#isSettled) return;
    this.reject(reason);
    this.abort(reason);
  }

  /** Lets nobody else join. */
  forget(): void {
    if (!this.isCurrent) return;
    this.isCurrent = false;
    this.#runs.current.delete(this);
    this.#runs.forgotten.add(this);
  }

  /** Resolves once the flight has ended. Awaiting it does not keep the flight going, as a waiter does. */
  ended(): Promise<void> {
    this.#ended ??= Promise.withResolvers();
    return this.#ended.promise;
  }

  /**
   * Ends the flight before its waiters are told, so that their next calls never join it. Returns false
   * if it had already ended.
   */
  #settle(): boolean {
    if (this.#isSettled) return false;
    this.#isSettled = true;
    if (this.isCurrent) this.#runs.current.delete(this);
    else this.#runs.forgotten.delete(this);
    this.isCurrent = false;
    this.#ended?.resolve();
    return true;
  }
}

/** A waiter that leaves when its signal aborts. */
class LeavingWaiter<Value> implements Waiter<Value> {
  #run: SharedRun<Value>;
  #waiter: Waiter<Value>;
  #hasLeft = false;
  #signal: Cancellation;

  constructor(run: SharedRun<Value>, waiter: Waiter<Value>, signal: Cancellation) {
    this.#run = run;
    this.#waiter = waiter;
    this.#signal = signal;
    signal.addEventListener("abort", this, { once: true });
  }

  resolve(value: Value): void {
    if (this.#hasLeft) return;
    this.#signal.removeEventListener("abort", this);
    this.#waiter.resolve(value);
  }

  reject(error: unknown): void {
    if (this.#hasLeft) return;
    this.#signal.removeEventListener("abort", this);
    this.#waiter.reject(error);
  }

  handleEvent(): void {
    const { reason } = this.#signal;
    this.#hasLeft = true;
    this.#waiter.reject(reason);
    this.#run.remove(this, reason);
  }
}
