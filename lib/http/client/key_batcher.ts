import { GroupCacheError, quote } from "../../errors.ts";
import type { KeyCall } from "./key_call.ts";
import type { PeerLimits } from "../peer_limits.ts";

/** From this many calls on, what could go in one request goes in two: see `#share`. */
const MIN_SHARED = 32;

/** How a {@linkcode KeyBatcher} is made. */
export interface KeyBatcherOptions {
  limits: PeerLimits;
  /** The peer, for error messages. */
  url: string;
  /** Whether the peer takes several keys in one request. */
  takesBatches: () => boolean;
  /** Sends keys of one group, and settles their calls. */
  send: (calls: readonly KeyCall[], sending: Sending) => Promise<void>;
}

/** What goes with calls that are sent together. */
export interface Sending {
  /**
   * Whether no other request to the peer is unanswered. Only then may a reply wait for a load: it
   * keeps its place among the unanswered ones meanwhile.
   */
  readonly isAlone: boolean;
  /** To be called when the reply has begun: what comes after that must not keep others waiting. */
  readonly onAnswer: () => void;
}

/**
 * Gathers calls to one peer. Those that are made in the same turn, or while as many requests as may
 * be are under way, travel together; a call that is alone goes at once.
 *
 * The more callers there are the larger the batches become by themselves: while one is under way
 * the next one gathers, and its callers come back in one turn.
 */
export class KeyBatcher {
  #options: KeyBatcherOptions;
  /** Calls that wait, by what a request has for all its keys: the group, and whether to peek. */
  #queues = new Map<string, KeyCall[]>();
  #queued = 0;
  #unanswered = 0;
  #isScheduled = false;

  constructor(options: KeyBatcherOptions) {
    this.#options = options;
  }

  /** Takes a call on. It is rejected at once if too many wait already. */
  add(call: KeyCall): void {
    const { limits: { maxQueued }, url } = this.#options;
    // The keys of one `getMany` are one caller's, however many they are.
    if (this.#queued >= maxQueued && !call.together) {
      call.reject(
        new GroupCacheError(
          "overloaded",
          `Cannot ask peer ${url} for ${quote(call.key)}: ${maxQueued} calls to it wait already`,
        ),
      );
      return;
    }
    // No group has a slash in its name.
    const kind = call.peek ? `/${call.group}` : call.group;
    const queue = this.#queues.get(kind);
    if (queue === undefined) this.#queues.set(kind, [call]);
    else queue.push(call);
    this.#queued++;
    this.#schedule();
  }

  /** Rejects all calls that wait to be sent: what they wait for has turned out to be down. */
  failQueued(error: unknown): void {
    const queues = [...this.#queues.values()];
    this.#queues.clear();
    this.#queued = 0;
    for (const call of queues.flat()) call.reject(error);
  }

  #schedule(): void {
    if (this.#isScheduled || this.#queued === 0 || !this.#hasRoom()) return;
    this.#isScheduled = true;
    // Callers that were answered in one turn come back in the microtasks of that turn, some after
    // a few steps more than others.
    afterMicrotasks(8, () => {
      this.#isScheduled = false;
      while (this.#queued > 0 && this.#hasRoom()) this.#sendNext();
    });
  }

  #hasRoom(): boolean {
    const { limits: { maxBatches, maxGets }, takesBatches } = this.#options;
    return this.#unanswered < (takesBatches() ? maxBatches : maxGets);
  }

  #sendNext(): void {
    const calls = this.#take();
    if (calls.length === 0) return; // All of these callers have gone.
    const isAlone = this.#unanswered++ === 0;
    let isAnswered = false;
    const onAnswer = () => {
      if (isAnswered) return;
      isAnswered = true;
      this.#unanswered--;
      this.#schedule();
    };
    this.#options.send(calls, { isAlone, onAnswer }).finally(onAnswer);
  }

  /** The next calls to send together, those left out whose callers have gone. */
  #take(): KeyCall[] {
    const { limits, takesBatches } = this.#options;
    const [next] = this.#queues;
    if (next === undefined) return [];
    const [kind, queue] = next;
    const maxKeys = takesBatches() ? Math.min(limits.maxKeys, this.#share(queue)) : 1;
    let bytes = 0;
    let end = 0;
    while (end < queue.length && end < maxKeys && (end === 0 || bytes < limits.maxKeyBytes)) {
      bytes += 2 * (queue[end++]?.key.length ?? 0);
    }
    this.#queued -= end;
    this.#queues.delete(kind);
    // Groups take turns.
    if (end < queue.length) this.#queues.set(kind, queue.splice(end));
    return queue.filter(({ isSettled }) => !isSettled);
  }

  /**
   * How many calls of a queue to send in the next request. Callers whose calls travel in one request
   * come back in one turn, so they and the peer would take turns for ever. Two halves overlap: while
   * the peer answers one of them, this process is busy with the other.
   */
  #share(queue: readonly KeyCall[]): number {
    if (this.#unanswered > 0 || queue.length < MIN_SHARED) return queue.length;
    let half = Math.ceil(queue.length / 2);
    while (queue[half]?.together) half++;
    return half;
  }
}

function afterMicrotasks(count: number, callback: () => void): void {
  if (count === 0) callback();
  else queueMicrotask(() => afterMicrotasks(count - 1, callback));
}
