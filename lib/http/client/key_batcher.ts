import { GroupCacheError, quote } from "../../errors.ts";
import { type Clock, inNextTurn } from "../../timing/clock.ts";
import type { PeerLimits } from "../peer_limits.ts";
import type { PeerCall } from "./peer_call.ts";

/** A way to send calls to a peer. */
export interface Route<Call> {
  /** The maximum size of the next batch, in keys; 0 if earlier batches must be answered first. */
  readonly roomKeys: number;
  /** Whether all batches have been answered. */
  readonly isIdle: boolean;
  /** Adds a batch: calls of one kind. The array is the route's from then on. */
  send(calls: Call[]): void;
  /** Sends the batches that were added. */
  flush(): void;
}

/**
 * Collects calls to one peer. If everything has been answered, a call is sent at once, with the others of
 * its turn. Otherwise it waits for the next turn, and for the answers that its route waits for. Thus
 * batches grow with the number of callers, whether or not they call in step.
 */
export class KeyBatcher<Call extends BatchedCall> {
  #options: KeyBatcherOptions<Call>;
  /**
   * Waiting calls, by what all calls of a batch share: for keys the group, and whether to peek. No queue is
   * removed, because a `Map` that shrinks burdens the collector: see `OwedCalls`.
   */
  #queues = new Map<string, Queue<Call>>();
  /** The queues that are not empty, in the order of their turns. */
  #waiting: Queue<Call>[] = [];
  #queued = 0;
  #isScheduled = false;

  constructor(options: KeyBatcherOptions<Call>) {
    this.#options = options;
  }

  /** The number of waiting calls. */
  get size(): number {
    return this.#queued;
  }

  /** Adds a call, or rejects it at once if too many are waiting. */
  add(call: Call): void {
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
    const { kind } = call;
    let queue = this.#queues.get(kind);
    if (queue === undefined) this.#queues.set(kind, queue = { calls: [] });
    if (queue.calls.push(call) === 1) this.#waiting.push(queue);
    this.#queued++;
    this.schedule();
  }

  /** Removes all calls that wait. */
  takeAll(): Call[] {
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
  #take(roomKeys: number): Call[] {
    const { maxKeys, maxKeyBytes } = this.#options.limits;
    const queue = this.#waiting.shift();
    if (queue === undefined) return [];
    const { calls } = queue;
    const max = Math.min(maxKeys, roomKeys);
    let bytes = 0;
    let end = 0;
    while (end < calls.length && end < max && (end === 0 || bytes < maxKeyBytes)) {
      const call = calls[end++] as Call;
      bytes += 2 * call.key.length + call.extraBytes;
    }
    this.#queued -= end;
    queue.calls = calls.splice(end);
    // Groups take turns.
    if (queue.calls.length > 0) this.#waiting.push(queue);
    return calls.filter(({ isSettled }) => !isSettled);
  }
}

/** Waiting calls of one kind. */
interface Queue<Call> {
  calls: Call[];
}

/** What the batcher needs of a call. */
type BatchedCall = Pick<
  PeerCall<unknown>,
  "key" | "kind" | "extraBytes" | "together" | "isSettled" | "reject"
>;

/** Options for {@linkcode KeyBatcher}. */
export interface KeyBatcherOptions<Call> {
  clock: Clock;
  limits: PeerLimits;
  /** The peer's base URL, for error messages. */
  url: string;
  route: Route<Call>;
}

function afterMicrotasks(count: number, callback: () => void): void {
  if (count === 0) callback();
  else queueMicrotask(() => afterMicrotasks(count - 1, callback));
}
