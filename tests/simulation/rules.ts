import type { Read } from "./history.ts";
import type { Plan } from "./plan.ts";
import { checkConvergence } from "./rules/convergence.ts";
import { Handover } from "./rules/handover.ts";
import { Lifetimes } from "./rules/lifetimes.ts";
import { Loads } from "./rules/loads.ts";
import type { RuleName, Violation } from "./rules/rule.ts";
import { Staleness } from "./rules/staleness.ts";
import type { World } from "./world.ts";

/** All rules of a run, and where they were broken. */
export class Rules {
  readonly violations: Violation[] = [];
  readonly loads: Loads;
  readonly handover: Handover;
  #world: World;
  #staleness: Staleness;
  #lifetimes: Lifetimes;

  constructor(world: World) {
    this.#world = world;
    const { plan, history, calm, scheduler } = world;
    const common = { history, calm, report: this.report };
    this.loads = new Loads({
      ...common,
      mayHedge: plan.cache.hedge,
      loadsTogether: (group) => plan.groups[group]?.hasLoadMany ?? false,
    });
    this.handover = new Handover({ ...common, neededMs: handoverMs(plan) });
    // Then a process takes nothing from one that it has forgotten at once.
    if (plan.cache.handoffMs === 0) this.handover.turnOff();
    this.#staleness = new Staleness({
      ...common,
      processes: world.nodes,
      isListed: (url) => world.listed.has(url),
    });
    const clockErrorMs = clockErrors(plan);
    this.#lifetimes = new Lifetimes({
      allowanceMs: () => clockErrorMs(scheduler.nowMs) + plan.network.slowMs + 100,
      report: this.report,
    });
  }

  /** Checks a value that a call has brought. */
  read(read: Read): void {
    this.#staleness.check(read);
    this.#lifetimes.check(read);
  }

  /** Checks what all processes return in the end. */
  end(reads: readonly Read[]): void {
    checkConvergence(reads, this.report);
  }

  readonly report = (
    violation: { rule: RuleName; key: string | undefined; what: string },
  ): void => {
    const { scheduler: { nowMs: atMs } } = this.#world;
    this.violations.push({ ...violation, atMs });
    const keys = violation.key === undefined ? undefined : [violation.key];
    this.#world.note("RULE", `"${violation.rule}" is broken: ${violation.what}`, keys);
  };
}

/**
 * How long it may take to hand over, in milliseconds. A hello, by which the receiver asks back, is 4 messages one
 * after the other; an offer and the request for what it offers are 4 more in each group.
 */
function handoverMs({ groups, network: { meanMs, slowMs } }: Plan): number {
  return (4 + 4 * groups.length) * (slowMs + 5 * meanMs);
}

/** By how much two clocks of a run may ever differ, at a time in milliseconds. */
function clockErrors({ places, actions }: Plan): (nowMs: number) => number {
  const spread = (numbers: number[]) => Math.max(...numbers) - Math.min(...numbers);
  const offsetMs = spread(places.map(({ clock }) => clock.offsetMs));
  const drift = spread(places.map(({ clock }) => clock.rate));
  const jumpsMs = actions.reduce(
    (sum, action) => sum + (action.kind === "clock" ? Math.abs(action.byMs) : 0),
    0,
  );
  // Whole milliseconds, on either side.
  return (nowMs) => offsetMs + jumpsMs + drift * nowMs + 2;
}
