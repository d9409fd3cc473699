import type { Clock } from "../../timing/clock.ts";
import { withDeadline } from "../../timing/deadline.ts";

/** The maximum number of callers that wait for room. */
const MAX_WAITING = 1000;

/** A caller that waits for room. */
interface Waiter {
  readonly bytes: number;
  readonly enter: () => void;
}

/**
 * Bounds the number of bytes in transit between peers and this process. An item larger than the whole
 * budget is admitted alone. Items without room wait in order of arrival.
 */
export class ByteBudget {
  #clock: Clock;
  #maxBytes: number;
  #taken = 0;
  #waiting = new Set<Waiter>();

  constructor(maxBytes: number, clock: Clock) {
    this.#maxBytes = maxBytes;
    this.#clock = clock;
  }

  /** An equal share of the whole, in bytes, for each of `count` holders that do not wait for room. */
  share(count: number): number {
    return this.#maxBytes / count;
  }

  /** Takes room if available. The caller must `give` it back. */
  tryTake(bytes: number): boolean {
    if (this.#waiting.size > 0 || !this.#hasRoom(bytes)) return false;
    this.#taken += bytes;
    return true;
  }

  /** Waits for room for at most `ms` milliseconds. Returns whether it was taken. */
  async take(bytes: number, ms: number): Promise<boolean> {
    if (this.tryTake(bytes)) return true;
    if (this.#waiting.size >= MAX_WAITING) return false;
    let waiter: Waiter | undefined;
    const entered = new Promise<boolean>((resolve) => {
      waiter = { bytes, enter: () => resolve(true) };
      this.#waiting.add(waiter);
    });
    const onLate = () => {
      if (waiter !== undefined) this.#waiting.delete(waiter);
      this.#admit();
      return false;
    };
    return await withDeadline(() => entered, { clock: this.#clock, ms, onLate });
  }

  /** Gives room back. */
  give(bytes: number): void {
    this.#taken -= bytes;
    this.#admit();
  }

  #admit(): void {
    for (const waiter of this.#waiting) {
      if (!this.#hasRoom(waiter.bytes)) return;
      this.#waiting.delete(waiter);
      this.#taken += waiter.bytes;
      waiter.enter();
    }
  }

  #hasRoom(bytes: number): boolean {
    return this.#taken === 0 || this.#taken + bytes <= this.#maxBytes;
  }
}
