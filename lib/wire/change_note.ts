import type { Stamp } from "./change.ts";

/** What is said of a `set` or `remove` beside its group and key. It travels in a header. */
export interface ChangeNote {
  readonly stamp: Stamp;
  /** A digest of the list of peers that are told. */
  readonly list: string;
  /** All peers on that list know the changes of the same process up to this time. */
  readonly settledTime: number;
  /** The base URL of the peer that was told first. */
  readonly knownBy?: string | undefined;
}

/** A time of 2^48 cannot be reached by counting. Whoever sends one must not stop our own clock. */
const MAX_TIME = 2 ** 48;

/** A note as the value of a header. */
export function encodeChangeNote({ stamp, list, settledTime, knownBy }: ChangeNote): string {
  const text = `${stamp.time} ${stamp.origin} ${list} ${settledTime}`;
  return knownBy === undefined ? text : `${text} ${knownBy}`;
}

/** @throws {TypeError} If it is malformed. */
export function decodeChangeNote(text: string): ChangeNote {
  const [time, origin = "", list = "", settledTime, knownBy] = text.split(" ");
  const note = {
    stamp: { time: Number(time), origin },
    list,
    settledTime: Number(settledTime),
    knownBy,
  };
  if (isTime(note.stamp.time) && origin !== "" && isTime(note.settledTime)) return note;
  throw new TypeError(`expected a change's time, origin, list and settled time: received ${text}`);
}

/** Whether a number that a peer sent may be a time. */
export function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < MAX_TIME;
}
