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

  /** Resolves when a request may be sent. Whoever waited must `leave`, come what may. */
  enter(): Promise<void> {
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Lets the next one in. */
  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}
