/**
 * Bounds the requests of a cache that are not answered yet. Bun allows 256 in a process, and the
 * application wants some for itself.
 */
export class RequestSemaphore {
  #free: number;
  #waiting: (() => void)[] = [];

  /** @param max How many requests may be under way. */
  constructor(max: number) {
    this.#free = max;
  }

  /** Whether a request may be sent at once. The caller must `release` it. */
  tryAcquire(): boolean {
    if (this.#free === 0) return false;
    this.#free--;
    return true;
  }

  /** Resolves once a request may be sent. The caller must `release` it. */
  acquire(): Promise<void> {
    if (this.tryAcquire()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Lets the next request start. */
  release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}
