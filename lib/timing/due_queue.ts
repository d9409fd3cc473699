import type { Clock } from "./clock.ts";

/** A timer that is later than this shows that this process was paused. */
const LATE_MS = 2;

/** Something that falls due. While it waits it is a node in the linked list of its queue. */
export abstract class Due {
  /** When it is due, in Unix milliseconds. */
  dueAtMs = 0;
  /** The delay that it was added with, in milliseconds. */
  delayMs = 0;
  /** The queue in which it waits, if any. */
  queue: DueQueue | undefined;
  before: Due | undefined;
  behind: Due | undefined;

  /** Called when it is due, unless it was removed before. */
  abstract onDue(): void;
}

/**
 * Calls each `onDue` in time, with one timer for all. The timer is set for the first to fall due, and
 * left alone when that one is removed: a timer of its own would cost each call 15 µs on Deno.
 */
export class DueQueue {
  #clock: Clock;
  #keepsTimer: boolean;
  #first: Due | undefined;
  #last: Due | undefined;
  #timer: unknown;
  /** When the timer comes, in Unix milliseconds. */
  #timerAtMs = Infinity;

  constructor({ clock, keepsTimer = false }: DueQueueOptions) {
    this.#clock = clock;
    this.#keepsTimer = keepsTimer && clock.unrefTimer !== undefined;
  }

  /** Adds something that is in no queue, to fall due in `delayMs` milliseconds. */
  add(due: Due, delayMs: number): void {
    due.dueAtMs = this.#clock.now() + delayMs;
    due.delayMs = delayMs;
    due.queue = this;
    due.before = this.#last;
    if (this.#last === undefined) this.#first = due;
    else this.#last.behind = due;
    this.#last = due;
    if (due.dueAtMs < this.#timerAtMs) this.#setTimer(this.#onTimer, due.dueAtMs, delayMs);
  }

  /** Removes something that waits in this queue. */
  remove(due: Due): void {
    this.#unlink(due);
    if (this.#first === undefined && !this.#keepsTimer) this.#clearTimer();
  }

  /** Stops keeping a timer while the queue is empty. */
  close(): void {
    this.#keepsTimer = false;
    if (this.#first === undefined) this.#clearTimer();
  }

  #unlink(due: Due): void {
    const { before, behind } = due;
    if (before === undefined) this.#first = behind;
    else before.behind = behind;
    if (behind === undefined) this.#last = before;
    else behind.before = before;
    due.queue = due.before = due.behind = undefined;
  }

  #setTimer(callback: () => void, atMs: number, delayMs: number): void {
    this.#clearTimer();
    this.#timerAtMs = atMs;
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined;
      this.#timerAtMs = Infinity;
      callback();
    }, delayMs);
    if (this.#keepsTimer) this.#clock.unrefTimer?.(this.#timer);
  }

  #clearTimer(): void {
    if (this.#timer === undefined) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAtMs = Infinity;
  }

  #onTimer = (): void => {
    const next = this.#next();
    if (next === undefined) return;
    const nowMs = this.#clock.now();
    // What is waited for may have arrived during the pause: let it be read first.
    if (nowMs - next.dueAtMs > LATE_MS) this.#setTimer(this.#fire, nowMs, 0);
    else this.#fire();
  };

  #fire = (): void => {
    const nowMs = this.#clock.now();
    const due: Due[] = [];
    for (let each = this.#first; each !== undefined; each = each.behind) {
      if (each.dueAtMs <= nowMs) due.push(each);
    }
    for (const each of due) {
      // An earlier one may have removed it.
      if (each.queue !== this) continue;
      this.#unlink(each);
      each.onDue();
    }
    const next = this.#next();
    if (next === undefined || next.dueAtMs >= this.#timerAtMs) return;
    // Never longer than its delay, even if the clock was set back.
    this.#setTimer(this.#onTimer, next.dueAtMs, Math.min(next.dueAtMs - nowMs, next.delayMs));
  };

  /** The next to fall due. */
  #next(): Due | undefined {
    let next = this.#first;
    for (let each = next?.behind; each !== undefined; each = each.behind) {
      if (next === undefined || each.dueAtMs < next.dueAtMs) next = each;
    }
    return next;
  }
}

/** Options for {@linkcode DueQueue}. */
export interface DueQueueOptions {
  clock: Clock;
  /**
   * Whether a pending timer is kept when the queue becomes empty, for what is added next, until the
   * queue is closed. It does not keep the process alive.
   *
   * @default false
   */
  keepsTimer?: boolean;
}
