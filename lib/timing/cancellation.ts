/**
 * The part of `AbortSignal` that the library listens to. Every `AbortSignal` is one. Flights use a
 * lighter one, because a real one costs more than all the rest of a flight.
 */
export interface Cancellation {
  readonly aborted: boolean;
  readonly reason: unknown;
  throwIfAborted(): void;
  addEventListener(type: "abort", listener: Listener, options?: { once: boolean }): void;
  removeEventListener(type: "abort", listener: Listener): void;
}

/** A function, or an object of which no function has to be made. */
type Listener = (() => void) | { handleEvent(): void };

/** A {@linkcode Cancellation} without an `AbortController`. */
export class LightCancellation implements Cancellation {
  aborted = false;
  reason: unknown;
  /** Nearly always the only one; a set of one would cost more than all the rest of the object. */
  #listener: Listener | undefined;
  #others: Set<Listener> | undefined;

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }

  addEventListener(_type: "abort", listener: Listener): void {
    if (this.#listener === undefined) this.#listener = listener;
    else (this.#others ??= new Set()).add(listener);
  }

  removeEventListener(_type: "abort", listener: Listener): void {
    if (this.#listener === listener) this.#listener = undefined;
    else this.#others?.delete(listener);
  }

  /** Calls all listeners. Call it only once. */
  abort(reason: unknown): void {
    this.aborted = true;
    this.reason = reason;
    if (this.#listener !== undefined) notify(this.#listener);
    for (const listener of this.#others ?? []) notify(listener);
  }
}

/** A light cancellation that follows a signal: each call listens to it, which costs µs with a real one. */
export function following(signal: AbortSignal): LightCancellation {
  const light = new LightCancellation();
  if (signal.aborted) light.abort(signal.reason);
  else signal.addEventListener("abort", () => light.abort(signal.reason), { once: true });
  return light;
}

function notify(listener: Listener): void {
  if (typeof listener === "function") listener();
  else listener.handleEvent();
}

/** A real `AbortSignal` that follows a cancellation, for programs and platform functions. */
export function toAbortSignal(cancellation: Cancellation): AbortSignal {
  const controller = new AbortController();
  const follow = (): void => controller.abort(cancellation.reason);
  if (cancellation.aborted) follow();
  else cancellation.addEventListener("abort", follow, { once: true });
  return controller.signal;
}
