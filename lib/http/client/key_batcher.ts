import { GroupCacheError, quote } from "../../errors.ts";
import { type Clock, inNextTurn } from "../../timing/clock.ts";
import type { PeerLimits } from "../peer_limits.ts";
import type { KeyCall } from "./key_call.ts";

/** A way to send calls to a peer. */
export interface Route {
  /** The maximum size of the next batch, in keys; 0 if earlier batches must be answered first. */
  readonly roomKeys: number;
  /** Whether all batches have been answered. */
  readonly isIdle: boolean;
  /** Adds a batch: calls for keys of one group. The array is the route's from then on. */
  send(calls: KeyCall[]): void;
  /** Sends the batches that were added. */
  flush(): void;
}

/**
 * Collects calls to one peer. If everything has been answered, a call is sent at once, with the others of
 * its turn. Otherwise it waits for the next turn, and for the answers that its route waits for. Thus
 * batches grow with the number of callers, whether or not they call in step.
 */
export class KeyBatcher {
  #options: KeyBatcherOptions;
  /**
   * Waiting calls, by what all calls of a batch share: the group, and whether to peek. No queue is
   * removed, because a `Map` that shrinks burdens the collector: see `OwedCalls`.
   */
  #queues = new Map<string, Queue>();
  /** The queues that are not empty, in the order of their turns. */
  #waiting: Queue[] = [];
  #queued = 0;
  #isScheduled = false;

  constructor(options: KeyBatcherOptions) {
    this.#options = options;
  }

  /** The number of waiting calls. */
  get size(): number {
    return this.#queued;
  }

  /** Adds a call, or rejects it at once if too many are waiting. */
  add(call: KeyCall): void {
    const { limits: { maxQueued }, url } = this.#options;
    // The keys of one `getMany` belong to one caller, so they are not limited.
    if (this.#queued >= maxQueued && !call.together) {
      call.reject(
        new GroupCacheError(
          "overloaded",
          `Cannot ask peer ${url} for ${quote(call.key)}: ${maxQueued} calls to it are waiting`,
        ),
      );
      return;
    }
    // No group has a slash in its name.
    const kind = call.peek ? `/${call.group}` : call.group;
    let queue = this.#queues.get(kind);
    if (queue === undefined) this.#queues.set(kind, queue = { calls: [] });
    if (queue.calls.push(call) === 1) this.#waiting.push(queue);
    this.#queued++;
    this.schedule();
  }

  /** Removes all calls that wait. */
  takeAll(): KeyCall[] {
    const queues = this.#waiting;
    this.#waiting = [];
    this.#queued = 0;
    return queues.flatMap((queue) => queue.calls.splice(0));
  }

  /** Sends waiting calls if there is room. Call this when there may be more room. */
  schedule(): void {
    const { route, clock } = this.#options;
    if (this.#isScheduled || this.#queued === 0 || route.roomKeys === 0) return;
    this.#isScheduled = true;
    // Callers that are answered in one turn call again in its microtasks, some a few steps later.
    if (route.isIdle) afterMicrotasks(8, this.#flush);
    else inNextTurn(clock, this.#flush);
  }

  #flush = (): void => {
    const { route } = this.#options;
    this.#isScheduled = false;
    while (this.#queued > 0 && route.roomKeys > 0) {
      const calls = this.#take(route.roomKeys);
      // Otherwise all of these callers have left.
      if (calls.length > 0) route.send(calls);
    }
    route.flush();
  };

  /** Removes the next batch, without callers who have left. */
  #take(roomKeys: number): KeyCall[] {
    const { maxKeys, maxKeyBytes } = this.#options.limits;
    const queue = this.#waiting.shift();
    if (queue === undefined) return [];
    const { calls } = queue;
    const max = Math.min(maxKeys, roomKeys);
    let bytes = 0;
    let end = 0;
    while (end < calls.length && end < max && (end === 0 || bytes < maxKeyBytes)) {
      bytes += 2 * (calls[end++]?.key.length ?? 0);
    }
    this.#queued -= end;
    queue.calls = calls.splice(end);
    // Groups take turns.
    if (queue.calls.length > 0) this.#waiting.push(queue);
    return calls.filter(({ isSettled }) => !isSettled);
  }
}

/** Waiting calls of one group. */
interface Queue {
  calls: KeyCall[];
}

/** Options for {@linkcode KeyBatcher}. */
export interface KeyBatcherOptions {
  clock: Clock;
  limits: PeerLimits;
  /** The peer's base URL, for error messages. */
  url: string;
  route: Route;
}

function afterMicrotasks(count: number, callback: () => void): void {
  if (count === 0) callback();
  else queueMicrotask(() => afterMicrotasks(count - 1, callback));
}
