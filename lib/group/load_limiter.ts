import type { Clock } from "../timing/clock.ts";
import { GroupCacheError, quote } from "../errors.ts";

/** Fewer abandoned waiters than this are not worth a sweep. */
const MIN_SWEPT = 64;

/** Thrown for a load that is refused because too many wait already. */
export class LoadRefusedError extends GroupCacheError {}

/** What a loader is called with. */
interface Context {
  readonly signal: AbortSignal;
}

/** A load that waits for its turn. */
interface Waiter {
  readonly enter: () => void;
  hasLeft: boolean;
}

/**
 * Bounds how many loads run at a time. The others wait, first come, first served.
 *
 * A load keeps its place until it settles, even after its last caller has left: until then it is
 * work for the origin. One that ignores its signal loses its place after another `loadTimeoutMs`;
 * otherwise it would hold the place forever.
 */
export class LoadLimiter {
  #options: LoadLimiterOptions;
  #running = 0;
  /** The first is at `#head`. Those that have left stay in it until it comes to them. */
  #queue: Waiter[] = [];
  #head = 0;
  #waiting = 0;
  /** The release functions of abandoned loads, and when to call them, the earliest first. */
  #givenUp = new Map<() => void, number>();
  #timer: unknown;

  constructor(options: LoadLimiterOptions) {
    this.#options = options;
  }

  /** Wraps a loader so that it waits for its turn. If there is room it is called at once. */
  limit<What, C extends Context, Result>(
    load: (what: What, context: C) => Result | Promise<Result>,
  ): (what: What, context: C) => Promise<Result> {
    return async (what, context) => {
      if (this.#running >= this.#options.maxLoads) await this.#wait(context.signal);
      else this.#running++;
      const release = this.#releaseOnce(context.signal);
      try {
        // The signal may have aborted since its turn came.
        context.signal.throwIfAborted();
        return await load(what, context);
      } finally {
        release();
      }
    };
  }

  /** Waits for a place. Rejects with the signal's reason if that aborts first. */
  #wait(signal: AbortSignal): Promise<void> {
    const { group, maxLoads, maxQueuedLoads } = this.#options;
    if (this.#waiting >= maxQueuedLoads) {
      return Promise.reject(
        new LoadRefusedError(
          "overloaded",
          `Cannot load from group ${quote(group())}: ${maxLoads} loads run and ${maxQueuedLoads} ` +
            "wait already",
        ),
      );
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        hasLeft: false,
        enter: () => {
          signal.removeEventListener("abort", leave);
          this.#waiting--;
          this.#watch();
          resolve();
        },
      };
      const leave = () => {
        waiter.hasLeft = true;
        this.#waiting--;
        this.#watch();
        this.#sweep();
        reject(signal.reason);
      };
      signal.addEventListener("abort", leave, { once: true });
      this.#waiting++;
      this.#queue.push(waiter);
      this.#watch();
    });
  }

  /** Returns a function that frees the place. Some time after an abort this happens by itself. */
  #releaseOnce(signal: AbortSignal): () => void {
    const { clock, loadTimeoutMs } = this.#options;
    let isReleased = false;
    const release = () => {
      if (isReleased) return;
      isReleased = true;
      this.#givenUp.delete(release);
      signal.removeEventListener("abort", onAbort);
      this.#next();
    };
    const onAbort = () => {
      this.#givenUp.set(release, clock.now() + loadTimeoutMs);
      this.#watch();
    };
    signal.addEventListener("abort", onAbort, { once: true });
    return release;
  }

  /** While loads wait, frees the places of abandoned loads when they are due. */
  #watch(): void {
    const { clock } = this.#options;
    if (this.#waiting === 0) {
      clock.clearTimeout(this.#timer);
      this.#timer = undefined;
      return;
    }
    const [dueAtMs] = this.#givenUp.values();
    if (this.#timer !== undefined || dueAtMs === undefined || dueAtMs === Infinity) return;
    this.#timer = clock.setTimeout(() => {
      this.#timer = undefined;
      for (const [release, dueAtMs] of this.#givenUp) {
        if (dueAtMs > clock.now()) break;
        release();
      }
      this.#watch();
    }, Math.max(0, dueAtMs - clock.now()));
  }

  /** Gives a place to the next waiter. */
  #next(): void {
    while (this.#head < this.#queue.length) {
      const waiter = this.#queue[this.#head++];
      if (waiter === undefined || waiter.hasLeft) continue;
      this.#trim();
      waiter.enter();
      return;
    }
    this.#trim();
    this.#running--;
  }

  /** Drops abandoned waiters once they are the majority: callers may come and go while all wait. */
  #sweep(): void {
    if (this.#queue.length - this.#head < 2 * this.#waiting + MIN_SWEPT) return;
    this.#queue = this.#queue.slice(this.#head).filter(({ hasLeft }) => !hasLeft);
    this.#head = 0;
  }

  /** Cuts off the served half of the array, so that each waiter is moved once on average. */
  #trim(): void {
    if (this.#head * 2 < this.#queue.length) return;
    this.#queue = this.#queue.slice(this.#head);
    this.#head = 0;
  }
}

/** Options for {@linkcode LoadLimiter}. */
export interface LoadLimiterOptions {
  /** The name of the group. */
  group: () => string;
  /** How many loads run at a time. */
  maxLoads: number;
  /** How many may wait for their turn. */
  maxQueuedLoads: number;
  /** How long a load that was given up keeps its place at most, in milliseconds. */
  loadTimeoutMs: number;
  clock: Clock;
}
