/** What may be wrong: with the list, for want of a group, by a departure, or by a fault. */
export type TroubleKind = "lists" | "groups" | "departure" | "fault";

const KINDS: readonly TroubleKind[] = ["lists", "groups", "departure", "fault"];

/**
 * Since when nothing is wrong: all processes have one list and the network, the processes and their
 * clocks are as they should be.
 */
export class Calm {
  #now: () => number;
  #underWay = new Map<TroubleKind, number>();
  #sinceMs = new Map<TroubleKind, number>();
  #hasBeenFault = false;

  /** @param now The virtual time, in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** For how long nothing has been wrong, in milliseconds; 0 while something is. */
  get forMs(): number {
    return Math.min(...KINDS.map((kind) => this.#calmMs(kind)));
  }

  /** As `forMs`, if it does not count that processes lack groups. */
  get forMsButGroups(): number {
    return Math.min(
      ...KINDS.map((kind) => kind === "groups" ? Infinity : this.#calmMs(kind)),
    );
  }

  /** Whether there has ever been a fault, or a process without its groups. */
  get hasBeenFault(): boolean {
    return this.#hasBeenFault;
  }

  /** Something is wrong from now on. Returns what ends it. */
  disturb(kind: TroubleKind): () => void {
    if (kind === "fault" || kind === "groups") this.#hasBeenFault = true;
    this.#underWay.set(kind, this.#countOf(kind) + 1);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#underWay.set(kind, this.#countOf(kind) - 1);
      this.#sinceMs.set(kind, this.#now());
    };
  }

  /** Says, again and again, whether lists agree. */
  setListsAgree(agree: boolean): void {
    if (agree && this.#countOf("lists") > 0) this.#sinceMs.set("lists", this.#now());
    this.#underWay.set("lists", agree ? 0 : 1);
  }

  #countOf(kind: TroubleKind): number {
    return this.#underWay.get(kind) ?? 0;
  }

  #calmMs(kind: TroubleKind): number {
    return this.#countOf(kind) > 0 ? 0 : this.#now() - (this.#sinceMs.get(kind) ?? -Infinity);
  }
}
