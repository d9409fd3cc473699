import type { Fetch } from "../../lib/runtime.ts";

/** A fetch whose connections can be broken, all at once, and that counts. */
export class BreakableFetch {
  /** How many requests were sent. */
  requests = 0;
  #fetch: Fetch;
  #line = new AbortController();

  constructor(fetch: Fetch = (input, init) => globalThis.fetch(input, init)) {
    this.#fetch = fetch;
  }

  /** Breaks the line, or mends it. */
  setBroken(isBroken: boolean): void {
    if (isBroken) this.#line.abort(new TypeError("connection reset"));
    else this.#line = new AbortController();
  }

  readonly fetch: Fetch = async (input, init = {}) => {
    this.requests++;
    this.#line.signal.throwIfAborted();
    const signal = AbortSignal.any([this.#line.signal, ...init.signal ? [init.signal] : []]);
    return await this.#fetch(input, { ...init, signal });
  };
}
