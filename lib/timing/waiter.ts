/**
 * One who waits for a value. What `Promise.withResolvers` returns is one too, but between the layers that
 * every miss passes objects wait, because promises took a quarter of the time of a call to a peer.
 */
export interface Waiter<Value> {
  /** Called with the value, at most once. Must not throw. */
  resolve(value: Value): void;
  /** Called with the error, if there is no value. Must not throw. */
  reject(error: unknown): void;
}

/** Has a promise's outcome delivered to a waiter. */
export function deliver<Value>(promise: Promise<Value>, waiter: Waiter<Value>): void {
  promise.then((value) => waiter.resolve(value), (error) => waiter.reject(error));
}
