import type { Clock } from "../timing/clock.ts";

/** After this many turns of the event loop everything that needs no timer has run. */
const TURNS_TO_SETTLE = 8;

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/**
 * A clock that stands still until it is advanced.
 *
 * @example
 * ```ts
 * import { GroupCache, text } from "@groupcache/groupcache";
 * import { VirtualClock } from "@groupcache/groupcache/testing";
 * import { assertEquals } from "@std/assert";
 *
 * const clock = new VirtualClock();
 * await using cache = new GroupCache({ clock });
 * const times = cache.group("times", {
 *   maxBytes: 1 << 20,
 *   codec: text,
 *   ttlMs: 1000,
 *   load: () => String(clock.now()),
 * });
 * const first = await times.get("now");
 * await clock.advance(999);
 * assertEquals(await times.get("now"), first);
 * await clock.advance(1);
 * assertEquals(await times.get("now"), String(Number(first) + 1000));
 * ```
 */
export class VirtualClock implements Clock {
  #now: number;
  #timers = new Set<Timer>();

  /**
   * Creates a clock.
   *
   * @param nowMs The initial time, in Unix milliseconds.
   */
  constructor(nowMs = 1_700_000_000_000) {
    this.#now = nowMs;
  }

  /** Returns the current time, in Unix milliseconds. */
  now(): number {
    return this.#now;
  }

  /** Schedules `callback` to be called once the clock has advanced by `delayMs` milliseconds. */
  setTimeout(callback: () => void, delayMs: number): unknown {
    const timer: Timer = { at: this.#now + Math.max(0, delayMs), callback };
    this.#timers.add(timer);
    return timer;
  }

  /** Cancels a timer. */
  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as Timer);
  }

  /** The number of timers that are pending. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Advances by `ms` milliseconds, running all timers that fall due and everything they trigger. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#run(next);
      await settle();
    }
    this.#now = Math.max(this.#now, end);
  }

  /**
   * Advances from timer to timer until `promise` settles, and returns its outcome.
   *
   * @throws {Error} If no timer is left and `promise` is still pending.
   */
  async until<Value>(promise: Promise<Value>): Promise<Value> {
    let isSettled = false;
    promise.then(() => isSettled = true, () => isSettled = true);
    await settle();
    while (!isSettled) {
      const next = this.#next(Infinity);
      if (next === undefined) throw new Error("Cannot wait for promise: no timer is left to run");
      this.#run(next);
      await settle();
    }
    return await promise;
  }

  #next(end: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.at <= end && (next === undefined || timer.at < next.at)) next = timer;
    }
    return next;
  }

  #run(timer: Timer): void {
    this.#timers.delete(timer);
    this.#now = Math.max(this.#now, timer.at);
    timer.callback();
  }
}

/** Lets everything run that needs no timer. */
async function settle(): Promise<void> {
  // Messages, because runtimes delay even a timer of 0 ms by a millisecond or more.
  const { port1, port2 } = new MessageChannel();
  for (let turn = 0; turn < TURNS_TO_SETTLE; turn++) {
    await new Promise((resolve) => {
      port1.onmessage = resolve;
      port2.postMessage(undefined);
    });
  }
  port1.close();
  port2.close();
  await new Promise((resolve) => setTimeout(resolve, 0));
}
