import type { Load, LoadContext, LoadMany } from "../group_api.ts";

interface Call<T, Input> {
  readonly key: string;
  readonly context: LoadContext<T, Input>;
  readonly outcome: PromiseWithResolvers<Input | undefined>;
}

/**
 * Gathers the loads that start in one turn into as few calls of `loadMany` as may be.
 *
 * A call that throws says nothing of its single keys, which may have come from callers that have
 * nothing to do with each other. So it is repeated in halves, and those that throw in halves again:
 * one bad key is found in two calls for each doubling. That is as many as there are: if everything
 * fails, the origin is down and must not be asked for each key.
 */
export class LoadBatcher<T, Input> {
  #options: LoadBatcherOptions<T, Input>;
  #calls: Call<T, Input>[] = [];

  constructor(options: LoadBatcherOptions<T, Input>) {
    this.#options = options;
  }

  /** Takes the place of `load`. */
  readonly load: Load<T, Input> = (key, context) => {
    const outcome = Promise.withResolvers<Input | undefined>();
    if (this.#calls.push({ key, context, outcome }) === 1) queueMicrotask(() => this.#runAll());
    return outcome.promise;
  };

  #runAll(): void {
    const { maxLoadKeys } = this.#options;
    const calls = this.#calls;
    this.#calls = [];
    for (let start = 0; start < calls.length; start += maxLoadKeys) {
      const batch = calls.slice(start, start + maxLoadKeys);
      this.#run(batch, { calls: 2 * Math.ceil(Math.log2(batch.length)) });
    }
  }

  /** @param left How often `loadMany` may be called again for keys of a call that threw. */
  async #run(batch: readonly Call<T, Input>[], left: { calls: number }): Promise<void> {
    const calls = batch.filter(isWanted);
    const [first] = calls;
    if (first === undefined) return;
    try {
      if (calls.length === 1) {
        first.outcome.resolve(await this.#options.load(first.key, first.context));
      } else await this.#loadMany(calls, first);
    } catch (error) {
      if (calls.length === 1 || left.calls < 2 || !calls.some(isWanted)) {
        for (const { outcome } of calls) outcome.reject(error);
        return;
      }
      left.calls -= 2;
      const middle = Math.ceil(calls.length / 2);
      // One after the other: an origin that struggles is not asked twice at a time.
      await this.#run(calls.slice(0, middle), left);
      await this.#run(calls.slice(middle), left);
    }
  }

  async #loadMany(
    calls: readonly Call<T, Input>[],
    { context: { group } }: Call<T, Input>,
  ): Promise<void> {
    const signal = whenAllAbort(calls.map(({ context }) => context.signal));
    const context = { signal, group };
    this.#options.onBatch?.(context, calls.map(({ context }) => context));
    const values = await this.#options.loadMany(calls.map(({ key }) => key), context);
    for (const { key, outcome } of calls) {
      const value = typeof values?.get === "function"
        ? values.get(key)
        : new TypeError(`loadMany must return a Map: received ${typeof values}`);
      if (value instanceof Error) outcome.reject(value);
      else outcome.resolve(value);
    }
  }
}

/** Options for {@linkcode LoadBatcher}. */
export interface LoadBatcherOptions<T, Input> {
  /** Loads a key that is alone. */
  load: Load<T, Input>;
  loadMany: LoadMany<T, Input>;
  /** How many keys one call of `loadMany` may have. */
  maxLoadKeys: number;
  /** Called before `loadMany`, with its context and those of the calls that it takes the place of. */
  onBatch?:
    | ((context: LoadContext<T, Input>, contexts: readonly LoadContext<T, Input>[]) => void)
    | undefined;
}

/** Whether a caller still waits. If none does, the call is settled here. */
function isWanted<T, Input>({ context: { signal }, outcome }: Call<T, Input>): boolean {
  if (signal.aborted) outcome.reject(signal.reason);
  return !signal.aborted;
}

/** A signal that aborts with the last of `signals`: the query serves whoever still waits. */
function whenAllAbort(signals: readonly AbortSignal[]): AbortSignal {
  const controller = new AbortController();
  let waiting = signals.length;
  for (const signal of signals) {
    const onAbort = () => --waiting === 0 && controller.abort(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  }
  return controller.signal;
}
