/** What a peer is known to know. */
export interface Knowledge {
  /** It knows all changes up to this position of the log, */
  through: number;
  /** and, if this is true, of all settled ones too: it has been listed since it was last told. */
  isCaughtUp: boolean;
  isListed: boolean;
  /** The instance id of the process at its URL, once it has been met. */
  instance: string | undefined;
  /** When it took the place of another one, in milliseconds. */
  sinceMs: number;
  /** The count of the gaps when it was last told to drop everything for them. */
  gaps: number;
  /** The end of the log when it was listed: changes up to there may have settled without it. */
  listedFrom: number;
  telling: Promise<void> | undefined;
}

/** What a peer knows that was never told anything. */
export const UNTOLD: Knowledge = {
  through: 0,
  isCaughtUp: false,
  isListed: false,
  instance: undefined,
  sinceMs: -Infinity,
  gaps: 0,
  listedFrom: 0,
  telling: undefined,
};
