/**
 * The behaviour that all sources share. A watcher queries or watches its system and offers complete
 * lists. The iterator around it
 *
 * 1. runs the watcher again when it returns, and after a growing, jittered pause when it throws;
 * 2. normalises lists, and rejects those that are empty or contain an invalid URL: the previous list
 *    then remains in force;
 * 3. collects changes for a moment, and drops lists that change nothing;
 * 4. cleans up everything it started when it is returned or its signal aborts.
 */

import type { Discovery } from "./discovery.ts";
import { reasonOf } from "../errors.ts";
import type { Clock } from "../timing/clock.ts";
import { normalise, validPeers } from "./peer_list.ts";
import {
  type CheckedSourceOptions,
  checkSourceOptions,
  type SourceOptions,
} from "./source_options.ts";

/** Queries or watches one system on behalf of one iterator. */
export interface Watcher {
  /**
   * Queries or watches until there is nothing more to receive. Runs again soon after it returns, and
   * after a growing pause if it throws. State that must outlive a run belongs to the watcher.
   */
  run(context: WatchContext): Promise<void>;
  /** Cleans up after the last run, within `timeoutMs`. */
  end?(signal: AbortSignal): Promise<void>;
}

/** What the iterator offers to its watcher. */
export interface WatchContext {
  /** Aborts when the iterator ends. */
  readonly signal: AbortSignal;
  /**
   * Publishes a complete list. For watchers that poll.
   *
   * @throws {Error} If the list is empty or invalid.
   */
  offer(peers: readonly string[]): void;
  /**
   * Publishes what is valid of a complete list, so that one bad entry does not block the others.
   * Reports the rest, or that the list is empty. For watchers that are notified of changes.
   */
  update(peers: readonly unknown[]): void;
  /** Reports a problem that does not end the run. */
  report(cause: unknown): void;
  /** Resolves after `ms` milliseconds, shortened at random by up to a tenth; rejects at the end. */
  sleep(ms: number): Promise<void>;
  /**
   * Limits a call to `ms` milliseconds, by default to `timeoutMs`. The call's signal aborts once the
   * call is over, whatever the outcome.
   */
  within<Value>(run: (signal: AbortSignal) => Promise<Value>, ms?: number): Promise<Value>;
  /** As `within`, for a call that listens until its time is over: that is not a failure. */
  listen(run: (signal: AbortSignal) => Promise<void>, ms: number): Promise<void>;
}

/** Creates a source, called `name` in messages. `watch` creates a watcher for each iterator. */
export function source(name: string, watch: () => Watcher, options: SourceOptions): Discovery {
  const checked = checkSourceOptions(name, options);
  return { [Symbol.asyncIterator]: () => new SourceIterator(name, watch(), checked) };
}

type Item = readonly string[] | Error;

/** Systems quote in their errors what others wrote, and messages end up in terminals and logs. */
const CONTROL_CHARACTERS = /\p{Cc}+/gu;

class SourceIterator implements AsyncIterableIterator<Item, undefined>, WatchContext {
  #name: string;
  #watcher: Watcher;
  #options: CheckedSourceOptions;
  #ending = new AbortController();
  /** Started by the first `next`; settles once everything is cleaned up. */
  #ended: Promise<void> | undefined;
  /** The newest list and the newest error that have not been read, in order of arrival. */
  #items: Item[] = [];
  #waiting: ((result: IteratorResult<Item, undefined>) => void)[] = [];
  #last: readonly string[] | undefined;
  #changed: readonly string[] | undefined;
  #debounce: unknown;

  constructor(name: string, watcher: Watcher, options: CheckedSourceOptions) {
    this.#name = name;
    this.#watcher = watcher;
    this.#options = options;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Item, undefined>> {
    if (!this.signal.aborted) this.#ended ??= this.#start();
    if (this.signal.aborted) return Promise.resolve({ done: true, value: undefined });
    const value = this.#items.shift();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async return(): Promise<IteratorResult<Item, undefined>> {
    this.#ending.abort();
    await this.#ended;
    return { done: true, value: undefined };
  }

  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  async #start(): Promise<void> {
    const { signal, timeoutMs, clock } = this.#options;
    const abort = (): void => this.#ending.abort();
    if (signal?.aborted) abort();
    signal?.addEventListener("abort", abort, { once: true });
    this.signal.addEventListener("abort", () => this.#close(), { once: true });
    await this.#watch();
    signal?.removeEventListener("abort", abort);
    if (this.#watcher.end === undefined) return;
    const end = this.#watcher.end.bind(this.#watcher);
    await bounded(end, { ms: timeoutMs, clock }).catch(() => {});
  }

  #close(): void {
    this.#options.clock.clearTimeout(this.#debounce);
    this.#items = [];
    for (const resolve of this.#waiting.splice(0)) resolve({ done: true, value: undefined });
  }

  async #watch(): Promise<void> {
    const { clock, minRetryMs, maxRetryMs } = this.#options;
    for (let failures = 0; !this.signal.aborted;) {
      const startedAt = clock.now();
      let pauseMs: number;
      try {
        await this.#watcher.run(this);
        failures = 0;
        pauseMs = this.#jitter(minRetryMs) - (clock.now() - startedAt);
      } catch (error) {
        if (this.signal.aborted) return;
        this.report(error);
        // After a long run this failure is the first of its kind.
        if (clock.now() - startedAt >= maxRetryMs) failures = 0;
        pauseMs = this.#jitter(Math.min(maxRetryMs, minRetryMs * 2 ** failures++));
      }
      if (pauseMs > 0) await this.#pause(pauseMs).catch(() => {});
    }
  }

  offer(peers: readonly string[]): void {
    if (this.signal.aborted) return;
    const list = normalise(peers);
    if (list.length === 0) throw new Error("the list is empty");
    if (this.#last === undefined) return this.#push(list);
    if (this.#debounce === undefined && String(list) === String(this.#last)) return;
    this.#changed = list;
    this.#debounce ??= this.#options.clock.setTimeout(() => {
      this.#debounce = undefined;
      if (String(this.#changed) !== String(this.#last)) this.#push(this.#changed ?? []);
    }, this.#options.debounceMs);
  }

  update(peers: readonly unknown[]): void {
    try {
      this.offer(validPeers(peers, (error) => this.report(error)));
    } catch (error) {
      this.report(error);
    }
  }

  report(cause: unknown): void {
    if (this.signal.aborted) return;
    const reason = reasonOf(cause).replace(CONTROL_CHARACTERS, " ");
    this.#push(new Error(`Cannot find peers by ${this.#name}: ${reason}`, { cause }));
  }

  #push(item: Item): void {
    if (!(item instanceof Error)) this.#last = item;
    const resolve = this.#waiting.shift();
    if (resolve !== undefined) return resolve({ done: false, value: item });
    // A slow reader gets only the newest of each kind.
    const isError = item instanceof Error;
    this.#items = this.#items.filter((other) => other instanceof Error !== isError);
    this.#items.push(item);
  }

  sleep(ms: number): Promise<void> {
    return this.#pause(ms * (1 - this.#options.random() / 10));
  }

  within<Value>(
    run: (signal: AbortSignal) => Promise<Value>,
    ms: number = this.#options.timeoutMs,
  ): Promise<Value> {
    return bounded(run, { ms, clock: this.#options.clock, signal: this.signal });
  }

  async listen(run: (signal: AbortSignal) => Promise<void>, ms: number): Promise<void> {
    // An error inside `run`, even from a time limit of its own, must not be mistaken for our limit.
    let failed: { error: unknown } | undefined;
    const listening = (signal: AbortSignal): Promise<void> =>
      run(signal).catch((error) => void (failed = { error }));
    await this.within(listening, ms).catch((error) => {
      if (!(error instanceof TimeIsOver)) throw error;
    });
    if (failed !== undefined) throw failed.error;
  }

  #jitter(ms: number): number {
    return ms * (1 + this.#options.random()) / 2;
  }

  async #pause(ms: number): Promise<void> {
    this.signal.throwIfAborted();
    const { clock } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = clock.setTimeout(resolve, ms);
    const end = (): void => reject(this.signal.reason);
    this.signal.addEventListener("abort", end);
    try {
      await promise;
    } finally {
      clock.clearTimeout(timer);
      this.signal.removeEventListener("abort", end);
    }
  }
}

class TimeIsOver extends Error {}

/** Calls `run` until it settles, its time is over or `signal` aborts. */
async function bounded<Value>(
  run: (signal: AbortSignal) => Promise<Value>,
  { ms, clock, signal }: { ms: number; clock: Clock; signal?: AbortSignal },
): Promise<Value> {
  const limit = new AbortController();
  const stopped = Promise.withResolvers<never>();
  const stop = (reason: unknown): void => {
    limit.abort(reason);
    stopped.reject(reason);
  };
  const end = (): void => stop(signal?.reason);
  const over = new TimeIsOver(`there was no response within ${ms} ms`);
  const timer = clock.setTimeout(() => stop(over), ms);
  if (signal?.aborted) end();
  signal?.addEventListener("abort", end);
  try {
    // A race, because `run` may ignore its signal.
    return await Promise.race([stopped.promise, run(limit.signal)]);
  } finally {
    clock.clearTimeout(timer);
    signal?.removeEventListener("abort", end);
    // Stops whatever `run` left behind.
    limit.abort();
  }
}
