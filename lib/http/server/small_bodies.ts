import { GroupCacheError } from "../../errors.ts";
import type { Clock } from "../../timing/clock.ts";
import { Due, DueQueue } from "../../timing/due_queue.ts";
import { MIN_BYTES_PER_MS } from "../peer_limits.ts";
import { ByteBudget } from "./byte_budget.ts";

/** Bodies of at most this many bytes are read in one piece. */
export const SMALL_BODY_BYTES: number = 64 * 1024;

/** What each counts as at least, in bytes: a request takes memory without a body too. */
const LEAST_BYTES = 4096;

/** How long a body waits for room in the budget, and then may take apart from its size, in milliseconds. */
const MAX_WAIT_MS = 10_000;
const GRACE_MS = 10_000;

/**
 * Receives small bodies, which servers read in one piece: that is faster, and the declared length is
 * enforced for them. They have a budget of their own, so that large ones do not hold them up, and one timer
 * for all, because one for each would cost more than the body.
 */
export class SmallBodies {
  #budget: ByteBudget;
  #deadlines: DueQueue;

  /** @param maxBytes The size of all at a time, in bytes. */
  constructor(maxBytes: number, clock: Clock) {
    this.#budget = new ByteBudget(maxBytes, clock);
    this.#deadlines = new DueQueue({ clock, keepsTimer: true });
  }

  /**
   * Reads a body.
   *
   * @param length Its declared length, in bytes.
   * @throws {GroupCacheError} With code `overloaded` if there is no room, or it takes too long.
   */
  async read(request: Request, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = Math.max(length, LEAST_BYTES);
    if (!this.#budget.tryTake(bytes) && !await this.#budget.take(bytes, MAX_WAIT_MS)) {
      throw noRoom();
    }
    const deadline = new Deadline();
    this.#deadlines.add(deadline, GRACE_MS + length / MIN_BYTES_PER_MS);
    try {
      return new Uint8Array(await deadline.race(request.arrayBuffer()));
    } finally {
      deadline.queue?.remove(deadline);
      this.#budget.give(bytes);
    }
  }

  /** Keeps no timer from now on once nothing is being read. */
  close(): void {
    this.#deadlines.close();
  }
}

/** Fails a wait when it is due. */
class Deadline extends Due {
  #reject: ((error: GroupCacheError) => void) | undefined;

  race<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      promise.then(resolve, reject);
    });
  }

  override onDue(): void {
    this.#reject?.(tooSlow());
  }
}

/** The error for a body that makes no progress. */
export function tooSlow(): GroupCacheError {
  return new GroupCacheError("overloaded", "Cannot accept the request: its body is too slow");
}

/** The error for a body without room. */
export function noRoom(): GroupCacheError {
  return new GroupCacheError(
    "overloaded",
    "Cannot accept the request: too many bytes are being received",
  );
}
