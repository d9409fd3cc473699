import type { Change } from "./change.ts";
import { isTime } from "./change_note.ts";

/** What a process says of the changes that it knows of. It travels as a part of a hello. */
export interface ChangeUpdate {
  /** The highest time that the process has heard of. */
  readonly time: number;
  /** A digest of its list of peers. */
  readonly list: string;
  /** All peers on that list know the process's own changes up to this time. */
  readonly settledTime: number;
  /**
   * Whether the receiver has missed changes that the process no longer remembers, and so has to
   * drop everything that it holds.
   */
  readonly isReset: boolean;
  /** Changes that the receiver may not know of, in the order in which the process heard of them. */
  readonly changes: readonly Change[];
}

/** An update as it stands in JSON: a change is `[time, origin, group, key]`. */
export interface ChangeUpdateJson {
  time: number;
  list: string;
  settled: number;
  reset: boolean;
  changes: [number, string, string, string][];
}

export function toChangeUpdateJson(update: ChangeUpdate): ChangeUpdateJson {
  const { time, list, settledTime, isReset, changes } = update;
  return {
    time,
    list,
    settled: settledTime,
    reset: isReset,
    changes: changes.map(({ stamp, group, key }) => [stamp.time, stamp.origin, group, key]),
  };
}

/**
 * The update that a hello holds.
 *
 * @throws {TypeError} If it is malformed.
 */
export function fromChangeUpdateJson(json: unknown): ChangeUpdate {
  const { time, list, settled, reset, changes } = Object(json);
  const isValid = isTime(time) && typeof list === "string" && isTime(settled) &&
    Array.isArray(changes) && changes.every(isChangeJson);
  if (!isValid) throw new TypeError("expected a hello's changes as time, list, settled, changes");
  return {
    time,
    list,
    settledTime: settled,
    isReset: reset === true,
    changes: (changes as ChangeUpdateJson["changes"]).map(([time, origin, group, key]) => (
      { stamp: { time, origin }, group, key }
    )),
  };
}

function isChangeJson(json: unknown): boolean {
  if (!Array.isArray(json)) return false;
  const [time, ...texts] = json;
  return isTime(time) && texts.length === 3 && texts.every((text) => typeof text === "string");
}
