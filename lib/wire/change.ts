/**
 * When a change was made, as far as processes can tell each other: a Lamport time and the process
 * that made it (Lamport, "Time, clocks, and the ordering of events in a distributed system", 1978).
 * No two changes have the same stamp.
 */
export interface Stamp {
  /** One more than the highest time that the process had heard of. A whole number. */
  readonly time: number;
  /** The instance id of the process. */
  readonly origin: string;
}

/** The longest id of a process and the longest digest of a list, in characters: logs keep thousands. */
const MAX_ID_LENGTH = 64;

/** Whether something from a peer may be the instance id of a process or a digest of a list. */
export function isId(value: unknown): value is string {
  return typeof value === "string" && value.length <= MAX_ID_LENGTH;
}

/** A `set` or `remove` of one key, as other processes hear of it. */
export interface Change {
  readonly group: string;
  readonly key: string;
  readonly stamp: Stamp;
}

/** Below zero if `a` comes before `b`. The order is the same in all processes. */
export function compareStamps(a: Stamp, b: Stamp): number {
  if (a.time !== b.time) return a.time - b.time;
  return a.origin === b.origin ? 0 : a.origin < b.origin ? -1 : 1;
}
