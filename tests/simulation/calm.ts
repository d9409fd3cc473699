/**
 * Since when nothing is wrong: all processes have one list and the network, the processes and their
 * clocks are as they should be.
 */
export class Calm {
  #now: () => number;
  #troubles = new Map<string, number>();
  #sinceMs = 0;
  #hasBeenDisturbed = false;

  /** @param now The virtual time, in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** For how long nothing has been wrong, in milliseconds; 0 while something is. */
  get forMs(): number {
    return this.#troubles.size > 0 ? 0 : this.#now() - this.#sinceMs;
  }

  /** Whether more than the list of processes has ever been moved. */
  get hasBeenDisturbed(): boolean {
    return this.#hasBeenDisturbed;
  }

  /** Something is wrong from now on. Returns what ends it. */
  disturb(what: string, { isFault = true }: { isFault?: boolean } = {}): () => void {
    if (isFault) this.#hasBeenDisturbed = true;
    this.#troubles.set(what, (this.#troubles.get(what) ?? 0) + 1);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      const left = (this.#troubles.get(what) ?? 1) - 1;
      if (left > 0) this.#troubles.set(what, left);
      else this.#troubles.delete(what);
      this.#sinceMs = this.#now();
    };
  }

  /** As `disturb`, of what may be said again and again. */
  setTrouble(what: string, is: boolean): void {
    if (is) this.#troubles.set(what, 1);
    else if (this.#troubles.delete(what)) this.#sinceMs = this.#now();
  }
}
