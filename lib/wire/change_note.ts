import type { Stamp } from "./change.ts";

/** What accompanies a `set` or `remove` besides its group and key. It is sent in a header. */
export interface ChangeNote {
  readonly stamp: Stamp;
  /** A digest of the list of peers that are told. */
  readonly list: string;
  /** All peers on that list know the changes of the same process up to this time. */
  readonly settledTime: number;
  /** The base URL of the peer that was told first. */
  readonly knownBy?: string | undefined;
}

/** The limit of times. Counting never reaches 2^48, and a peer that sends it must not stop our clock. */
const MAX_TIME = 2 ** 48;

/** Encodes a note as the value of a header. */
export function encodeChangeNote({ stamp, list, settledTime, knownBy }: ChangeNote): string {
  const text = `${stamp.time} ${stamp.origin} ${list} ${settledTime}`;
  return knownBy === undefined ? text : `${text} ${knownBy}`;
}

/**
 * Decodes a note.
 *
 * @throws {TypeError} If it is malformed.
 */
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

/** Whether a number from a peer is a valid time. */
export function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < MAX_TIME;
}
