import type { ChangeLog, LoggedChange } from "./change_log.ts";

/** This process's own changes that some peers may not know. */
export class OpenChanges {
  readonly #log: ChangeLog;
  /** Those that are in the log, by time, the earliest first. */
  readonly #changes = new Map<number, LoggedChange>();
  /**
   * Those that the log has forgotten: the time of the first one, and the position of the last. A peer that is
   * down for days makes as many as there are changes.
   */
  #forgotten: { time: number; position: number } | undefined;

  constructor(log: ChangeLog) {
    this.#log = log;
  }

  /** How many are held in memory. */
  get size(): number {
    return this.#changes.size;
  }

  /** The time up to which all peers know this process's own changes. */
  get settledTime(): number {
    const { settledThrough, time: now } = this.#log;
    if (this.#forgotten !== undefined) {
      if (settledThrough < this.#forgotten.position) return this.#forgotten.time - 1;
      this.#forgotten = undefined;
    }
    for (const [time, change] of this.#changes) {
      if (!this.#log.isSettled(change)) return time - 1;
      this.#changes.delete(time);
    }
    return now;
  }

  add(change: LoggedChange): void {
    this.#changes.set(change.stamp.time, change);
    for (const [time, { position }] of this.#changes) {
      if (position > this.#log.start) break;
      this.#changes.delete(time);
      this.#forgotten = { time: this.#forgotten?.time ?? time, position };
    }
  }

  delete({ stamp }: LoggedChange): void {
    this.#changes.delete(stamp.time);
  }
}
