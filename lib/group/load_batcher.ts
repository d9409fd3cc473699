import type { Load, LoadContext, LoadMany } from "../group_api.ts";

interface Call<T, Input> {
  readonly key: string;
  readonly context: LoadContext<T, Input>;
  readonly outcome: PromiseWithResolvers<Input | undefined>;
}

/** Combines the loads that start in one turn into one run of `loadMany`. */
export class LoadBatcher<T, Input> {
  #loadOne: Load<T, Input>;
  #loadMany: LoadMany<T, Input>;
  #calls: Call<T, Input>[] = [];

  /** @param loadOne Loads a single key. */
  constructor(loadOne: Load<T, Input>, loadMany: LoadMany<T, Input>) {
    this.#loadOne = loadOne;
    this.#loadMany = loadMany;
  }

  /** To be used instead of `loadOne`. */
  readonly load: Load<T, Input> = (key, context) => {
    const outcome = Promise.withResolvers<Input | undefined>();
    if (this.#calls.push({ key, context, outcome }) === 1) queueMicrotask(() => this.#run());
    return outcome.promise;
  };

  async #run(): Promise<void> {
    const calls = this.#calls;
    this.#calls = [];
    const [first] = calls;
    if (first === undefined) return;
    try {
      if (calls.length === 1) {
        first.outcome.resolve(await this.#loadOne(first.key, first.context));
        return;
      }
      const signal = whenAllAbort(calls.map(({ context }) => context.signal));
      const keys = calls.map(({ key }) => key);
      const values = await this.#loadMany(keys, { signal, group: first.context.group });
      if (typeof values?.get !== "function") {
        throw new TypeError(`loadMany must return a Map: received ${typeof values}`);
      }
      for (const { key, outcome } of calls) {
        const value = values.get(key);
        if (value instanceof Error) outcome.reject(value);
        else outcome.resolve(value);
      }
    } catch (error) {
      for (const { outcome } of calls) outcome.reject(error);
    }
  }
}

/** A signal that aborts with the last of `signals`: until then a caller needs the query. */
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
