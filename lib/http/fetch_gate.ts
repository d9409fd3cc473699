/**
 * Bounds the requests of a cache that are not answered yet. Bun allows 256 in a process, and the
 * application wants some for itself.
 */
export class FetchGate {
  #free: number;
  #waiting: (() => void)[] = [];

  /** @param max How many requests may be under way. */
  constructor(max: number) {
    this.#free = max;
  }

  /** Whether a request may be sent at once. Whoever was let in must `leave`, come what may. */
  tryEnter(): boolean {
    if (this.#free === 0) return false;
    this.#free--;
    return true;
  }

  /** Resolves when a request may be sent. Whoever waited must `leave`, come what may. */
  enter(): Promise<void> {
    if (this.tryEnter()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Lets the next one in. */
  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}
