import type { ChangeCall } from "./change_call.ts";
import type { KeyCall } from "./key_call.ts";

/** A call on a channel. */
export type ChannelCall = KeyCall | ChangeCall;

/** Calls that were sent together. */
interface Batch {
  readonly firstId: number;
  /** The calls, each until it is answered. */
  readonly calls: (ChannelCall | undefined)[];
  unanswered: number;
}

/**
 * The unanswered calls of a channel, by their consecutive ids.
 *
 * Not a `Map`: each time that one grows or shrinks, V8 leaves its old table behind with a pointer to the
 * new one. Once an old table has reached the old generation, all later tables survive with it until the
 * next full collection, and so do the calls in them: a quarter of a busy process's time went there.
 */
export class OwedCalls {
  /** By id. Most often the first one is wanted. */
  #batches: Batch[] = [];
  #size = 0;

  /** The number of calls. */
  get size(): number {
    return this.#size;
  }

  /** Adds calls whose ids are consecutive, and greater than all before. The array is kept. */
  add(firstId: number, calls: ChannelCall[]): void {
    this.#batches.push({ firstId, calls, unanswered: calls.length });
    this.#size += calls.length;
  }

  /** Returns the call with this id, if it is unanswered. */
  get(id: number): ChannelCall | undefined {
    const batch = this.#batches[this.#indexOf(id)];
    return batch?.calls[id - batch.firstId];
  }

  /** Removes a call. Returns whether it was there. */
  delete(id: number): boolean {
    const index = this.#indexOf(id);
    const batch = this.#batches[index];
    if (batch?.calls[id - batch.firstId] === undefined) return false;
    batch.calls[id - batch.firstId] = undefined;
    this.#size--;
    if (--batch.unanswered > 0) return true;
    if (index === 0) this.#batches.shift();
    else this.#batches.splice(index, 1);
    return true;
  }

  /** All calls, in the order of their ids. */
  all(): ChannelCall[] {
    return this.#batches.flatMap((batch) => batch.calls).filter((call) => call !== undefined);
  }

  /** Removes and returns all calls. */
  takeAll(): ChannelCall[] {
    const calls = this.all();
    this.#batches = [];
    this.#size = 0;
    return calls;
  }

  /** The index of the last batch that does not begin after `id`; -1 if there is none. */
  #indexOf(id: number): number {
    const batches = this.#batches;
    let low = 0;
    let high = batches.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((batches[middle] as Batch).firstId <= id) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
