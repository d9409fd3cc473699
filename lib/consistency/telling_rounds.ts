import type { Clock } from "../timing/clock.ts";
import type { ChangeLog } from "./change_log.ts";

/** The interval of the rounds, in milliseconds. After two, an unsettled change is told to all peers. */
const ROUND_MS = 2000;

/** When to tell peers unprompted: in rounds, as long as one may not know something, or before the log is full. */
export class TellingRounds {
  readonly #options: TellingRoundsOptions;
  /** The end of the log at the last round: what was unsettled then is overdue. */
  #endBefore = 0;
  /** All peers are told again when the log grows beyond this position. */
  #pressedAt = 0;
  #timer: unknown;
  #isClosed = false;

  constructor(options: TellingRoundsOptions) {
    this.#options = options;
  }

  /** Has everyone told of changes that do not settle soon. */
  changesAdded(): void {
    const { log, tellAll } = this.#options;
    // Before the log forgets changes that peers have not been told.
    if (log.end - log.settledThrough > log.maxChanges / 4 && log.end > this.#pressedAt) {
      this.#pressedAt = log.end + log.maxChanges / 16;
      tellAll();
    }
    this.watch();
  }

  /** Keeps a timer while there is something that a peer may not know. */
  watch(): void {
    const { clock, isOwed } = this.#options;
    if (this.#timer !== undefined || this.#isClosed || !isOwed()) return;
    this.#timer = clock.setTimeout(() => {
      this.#timer = undefined;
      this.#tell();
      this.watch();
    }, ROUND_MS);
    clock.unrefTimer?.(this.#timer);
  }

  /** Ends the rounds. */
  close(): void {
    this.#isClosed = true;
    this.#options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #tell(): void {
    const { log, tellAll, tellOwed } = this.#options;
    const isOverdue = log.settledThrough < this.#endBefore;
    this.#endBefore = log.end;
    if (isOverdue) tellAll();
    else tellOwed();
  }
}

/** Options for {@linkcode TellingRounds}. */
export interface TellingRoundsOptions {
  log: ChangeLog;
  clock: Clock;
  /** Whether there is something that a peer may not know. */
  isOwed: () => boolean;
  /** Tells all peers. */
  tellAll: () => void;
  /** Tells those peers that have not been told all since they were listed. */
  tellOwed: () => void;
}
