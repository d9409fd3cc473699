import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";

/**
 * What stands between a process and everything that makes it move: its timers, what the network
 * brings, what its callers and its loaders do. One that is frozen does nothing, and all of it at
 * once when it is let go on; one that is dead never does anything again.
 */
export class Gate {
  #scheduler: Scheduler;
  #state: "running" | "frozen" | "dead" = "running";
  #waiting: (() => void)[] = [];

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  get isRunning(): boolean {
    return this.#state === "running";
  }

  get isDead(): boolean {
    return this.#state === "dead";
  }

  /** Lets the process do something, as soon as it can. */
  enter(task: () => void): void {
    if (this.#state === "running") task();
    else if (this.#state === "frozen") this.#waiting.push(task);
  }

  /** As SIGSTOP. */
  freeze(): void {
    if (this.#state === "running") this.#state = "frozen";
  }

  /** As SIGCONT. What is due comes in any order: timers, connections and files have queues apart. */
  thaw(random: Random): void {
    if (this.#state !== "frozen") return;
    this.#state = "running";
    const tasks = this.#waiting;
    this.#waiting = [];
    const inOrder = random.chance(0.5);
    while (tasks.length > 0) {
      const [task] = tasks.splice(inOrder ? 0 : random.int(0, tasks.length - 1), 1);
      this.#scheduler.after(0, () => this.enter(task as () => void));
    }
  }

  /** As SIGKILL. */
  kill(): void {
    this.#state = "dead";
    this.#waiting = [];
  }
}
