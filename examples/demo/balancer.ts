/** What the users of a balancer saw. */
export interface Served {
  requests: number;
  /** The failed requests, and why. */
  failures: string[];
  /** The latency of each request, in milliseconds. */
  latenciesMs: number[];
}

/**
 * Sends requests to processes in turn. A process that cannot be reached gets none until it is
 * readmitted, and its unanswered requests go to another one, as a load balancer does with a GET.
 */
export class Balancer {
  #targets: Set<string>;
  #turn = 0;
  #watchers = new Set<() => void>();
  /** The results since the last `take()`. */
  #served: Served = nothing();
  /** The number of requests that were retried at another process. */
  retries = 0;

  constructor(targets: readonly string[]) {
    this.#targets = new Set(targets);
  }

  /** Sends requests to a process again. */
  readmit(target: string): void {
    this.#targets.add(target);
  }

  /** Sends a user's request, to the next process in turn or first to the one given. */
  async request(path: string, first?: string): Promise<void> {
    const started = performance.now();
    const failure = await this.#send(path, first ?? this.#next());
    this.#served.latenciesMs.push(performance.now() - started);
    this.#served.requests++;
    if (failure !== undefined) this.#served.failures.push(`${path}: ${failure}`);
    for (const watcher of this.#watchers) watcher();
  }

  /** Resolves once `count` more requests have been answered. */
  async answered(count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const watcher = () => {
      if (--count <= 0) resolve();
    };
    this.#watchers.add(watcher);
    await promise;
    this.#watchers.delete(watcher);
  }

  /** Returns the results since the last call. */
  take(): Served {
    const served = this.#served;
    this.#served = nothing();
    return served;
  }

  async #send(path: string, target: string | undefined): Promise<string | undefined> {
    while (target !== undefined) {
      try {
        const response = await fetch(target + path);
        const { byteLength } = await response.arrayBuffer();
        const isPicture = response.ok && response.headers.get("content-type") === "image/jpeg";
        return isPicture && byteLength > 0 ? undefined : `status ${response.status}`;
      } catch {
        this.#targets.delete(target);
        this.retries++;
        target = this.#next();
      }
    }
    // Without a pause, callers that retry at once would starve everything else.
    await new Promise((resolve) => setTimeout(resolve, 10));
    return "no process could be reached";
  }

  #next(): string | undefined {
    return [...this.#targets][this.#turn++ % this.#targets.size];
  }
}

function nothing(): Served {
  return { requests: 0, failures: [], latenciesMs: [] };
}
