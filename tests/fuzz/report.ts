/** How far the cases have come. */
export interface Progress {
  readonly kind: "progress";
  readonly current: number;
  /** How many cases each target has had. */
  readonly counts: Readonly<Record<string, number>>;
  /** The memory that the process takes, in bytes. */
  readonly rssBytes: number;
  /** Whether all cases have run. */
  readonly isDone: boolean;
}

/** Something that must not happen. */
export interface Finding {
  readonly kind: "finding";
  readonly current: number;
  readonly target: string;
  readonly what: string;
  readonly stack: string;
}
