import { setImmediate } from "node:timers";

/** Something that happens at a time. */
export interface Event {
  readonly atMs: number;
  readonly order: number;
  /** Undefined once it has happened or was cancelled. */
  run: (() => void) | undefined;
}

/**
 * Virtual time, in milliseconds from 0. Between two events everything runs that needs no time: the
 * code under test waits for nothing but events and microtasks, and the runtime runs an immediate
 * only when no microtask is left. So a step costs 2 to 3 µs, and its outcome hangs on nothing else.
 */
export class Scheduler {
  nowMs = 0;
  /** A binary heap by time, then by order. */
  #heap: Event[] = [];
  #order = 0;
  #isStopped = false;

  /** Has something happen at a time, or now if that is past. */
  at(atMs: number, run: () => void): Event {
    const event = { atMs: Math.max(this.nowMs, atMs), order: this.#order++, run };
    this.#push(event);
    return event;
  }

  /** Has something happen after so many milliseconds. */
  after(delayMs: number, run: () => void): Event {
    return this.at(this.nowMs + delayMs, run);
  }

  cancel(event: Event): void {
    event.run = undefined;
  }

  /** Leaves the rest out. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Has everything happen up to a time. Returns the number of steps. */
  async runUntil(endMs: number): Promise<number> {
    let steps = 0;
    await turn();
    while (!this.#isStopped) {
      const event = this.#pop(endMs);
      if (event === undefined) break;
      this.nowMs = event.atMs;
      const { run } = event;
      event.run = undefined;
      run?.();
      steps++;
      await turn();
    }
    this.nowMs = Math.max(this.nowMs, endMs);
    return steps;
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const parent = at - 1 >> 1;
      const above = heap[parent] as Event;
      if (!isBefore(event, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = event;
  }

  /** The next event that was not cancelled. */
  #pop(endMs: number): Event | undefined {
    const heap = this.#heap;
    for (;;) {
      const first = heap[0];
      if (first === undefined || first.run !== undefined && first.atMs > endMs) return undefined;
      const last = heap.pop() as Event;
      if (heap.length > 0) this.#sink(last);
      if (first.run !== undefined) return first;
    }
  }

  #sink(event: Event): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      let below = heap[child];
      if (below === undefined) break;
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, below)) {
        below = right;
        child++;
      }
      if (!isBefore(below, event)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = event;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.atMs < b.atMs || a.atMs === b.atMs && a.order < b.order;
}

let nextTurn: Promise<void> | undefined;

/** Resolves when no microtask is left. Simulations that run side by side share each turn. */
function turn(): Promise<void> {
  return nextTurn ??= new Promise((resolve) => {
    setImmediate(() => {
      nextTurn = undefined;
      resolve();
    });
  });
}
