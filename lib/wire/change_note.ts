import { isId, type Stamp } from "./change.ts";

/** What accompanies a `set` or `remove` besides its group and key. It is sent in a header. */
export interface ChangeNote {
  readonly stamp: Stamp;
  /** A digest of the list of peers that are told. */
  readonly list: string;
  /** All peers on that list know the changes of the same process up to this time. */
  readonly settledTime: number;
  /** The base URL of the process that was told first. */
  readonly knownBy?: string | undefined;
  /**
   * A mark of that process or, if there is none, of the receiver, or {@linkcode NO_MARK}. Absent from
   * processes without marks.
   */
  readonly mark?: string | undefined;
}

/** In place of a mark: none is known. */
export const NO_MARK = "-";

/** The longest note, in characters: the log keeps parts of each. */
const MAX_LENGTH = 1024;

/** In place of a URL. */
const NO_URL = "-";

/** The limit of times. Counting never reaches 2^48, and a peer that sends it must not stop our clock. */
const MAX_TIME = 2 ** 48;

/** Encodes a note as the value of a header. */
export function encodeChangeNote(note: ChangeNote): string {
  const { stamp, list, settledTime, knownBy, mark } = note;
  const text = `${stamp.time} ${stamp.origin} ${list} ${settledTime}`;
  if (mark !== undefined) return `${text} ${knownBy ?? NO_URL} ${mark}`;
  return knownBy === undefined ? text : `${text} ${knownBy}`;
}

/**
 * Decodes a note.
 *
 * @throws {TypeError} If it is malformed.
 */
export function decodeChangeNote(text: string): ChangeNote {
  const [time, origin = "", list = "", settledTime, url, mark] = text.split(" ");
  const note = {
    stamp: { time: Number(time), origin },
    list,
    settledTime: Number(settledTime),
    knownBy: url === NO_URL ? undefined : url,
    ...(mark !== undefined && { mark }),
  };
  const isValid = isTime(note.stamp.time) && origin !== "" && isId(origin) && isId(list) &&
    isTime(note.settledTime) && text.length <= MAX_LENGTH &&
    (mark === undefined || isMark(mark));
  if (isValid) return note;
  throw new TypeError(
    `expected a change's time, origin, list and settled time: received ${text.slice(0, 64)}`,
  );
}

/** Whether something from a peer is a valid mark, which is passed on as it stands. */
export function isMark(value: unknown): value is string {
  return typeof value === "string" && /^[\w.-]{1,64}$/.test(value);
}

/** Whether a number from a peer is a valid time. */
export function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < MAX_TIME;
}
