/** What must hold. Each name is one way in which it may not. */
export type RuleName =
  /** A read brings what was there before a change that had resolved, though nothing moved. */
  | "stale"
  /** As above, while the list, a process or the network moved; in a process that was told. */
  | "stale while moving"
  /** As above, in a process that the caller of the change did not know, or that had just started. */
  | "stale after return"
  /** As above, of a change that rejected, long after all could be told of it. */
  | "stale after failure"
  /** Processes return what different calls of `set` have set, long after the last one. */
  | "diverged"
  /** A value is served beyond its time to live. */
  | "expired"
  /** A call does not come to its end in time. */
  | "hang"
  /** A value of another key, or of no key at all. */
  | "wrong value"
  /** A call fails with what it must not fail with. */
  | "wrong error"
  /** A change rejects though nothing keeps peers from being told. */
  | "failed change"
  /** Two loads of a key at a time. */
  | "two loads"
  /** What a process handed over when it left was loaded again. */
  | "loaded again"
  /** More memory than `maxBytes`. */
  | "memory"
  /** Something is left of a process that was closed. */
  | "leftover"
  /** Something threw that nobody caught. */
  | "uncaught";

/** A rule that was broken. */
export interface Violation {
  readonly rule: RuleName;
  readonly atMs: number;
  readonly key: string | undefined;
  readonly what: string;
}

/** Takes violations. */
export type Report = (violation: Omit<Violation, "atMs">) => void;
