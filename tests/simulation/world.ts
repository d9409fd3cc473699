import { Calm } from "./calm.ts";
import type { Subject } from "./subject.ts";
import { History } from "./history.ts";
import { Network } from "./network.ts";
import type { Node } from "./node.ts";
import type { Plan } from "./plan.ts";
import { Rules } from "./rules.ts";
import { Scheduler } from "./scheduler.ts";
import { Trace } from "./trace.ts";

/** What all parts of a run share. */
export class World {
  readonly subject: Subject;
  readonly plan: Plan;
  readonly scheduler: Scheduler = new Scheduler();
  readonly trace: Trace = new Trace();
  readonly history: History;
  readonly calm: Calm;
  readonly network: Network;
  readonly rules: Rules;
  /** All processes that have ever been there. */
  readonly nodes: Node[] = [];
  #isHealed = false;
  #endSlowness: (() => void) | undefined;
  /** When a process was last frozen or cut off, by its URL; infinite while it is. */
  readonly troubledMs: Map<string, number> = new Map();
  /** The URLs that all processes are to have in their list. */
  readonly listed: Set<string> = new Set();

  constructor(subject: Subject, plan: Plan) {
    this.subject = subject;
    this.plan = plan;
    const now = () => this.scheduler.nowMs;
    this.history = new History(now);
    this.calm = new Calm(now);
    this.network = new Network({
      ...this,
      seed: plan.seed,
      plan: plan.network,
      watch: {
        sent: ({ client, url, method, keys, hasArrived }) => {
          if (method === "GET") return;
          for (const { reached, missed } of this.history.underWay(client.name, keys)) {
            (hasArrived ? reached : missed).add(url);
          }
        },
        set: (valueId, lateMs) => {
          const value = this.history.values.get(valueId);
          if (value !== undefined) value.lateMs = Math.max(value.lateMs, lateMs);
        },
        reset: ({ name }) => {
          this.note(name, "is told to drop everything");
          this.rules.loads.reset(name);
        },
      },
    });
    this.rules = new Rules(this);
    // A process that is so slow is taken for dead.
    if (plan.network.slowMs >= 1000) this.#endSlowness = this.calm.disturb("fault");
  }

  /** Whether all faults have ended for good. */
  get isHealed(): boolean {
    return this.#isHealed;
  }

  /** Ends what makes messages and loads slow, lost or doubled. */
  heal(): void {
    this.#isHealed = true;
    this.network.heal();
    this.#endSlowness?.();
  }

  /** Adds a line to the trace. */
  note(who: string, what: string, keys?: readonly string[]): void {
    const line = { atMs: this.scheduler.nowMs, who, what };
    this.trace.add(keys === undefined ? line : { ...line, keys });
  }

  /** A process is frozen or cut off. Returns what ends that. */
  trouble(urls: readonly string[]): () => void {
    const end = this.calm.disturb("fault");
    for (const url of urls) this.troubledMs.set(url, Infinity);
    return () => {
      end();
      for (const url of urls) this.troubledMs.set(url, this.scheduler.nowMs);
    };
  }
}
