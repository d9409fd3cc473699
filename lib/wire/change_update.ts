import type { Change } from "./change.ts";
import { isMark, isTime } from "./change_note.ts";

/** What a process says of the changes that it knows of. It travels as a part of a hello. */
export interface ChangeUpdate {
  /** The highest time that the process has heard of. */
  readonly time: number;
  /** A digest of its list of peers. */
  readonly list: string;
  /** All peers on that list know the process's own changes up to this time. */
  readonly settledTime: number;
  /** A mark of the process. Absent from processes without marks. */
  readonly mark?: string | undefined;
  /**
   * Whether the receiver has missed changes that the process no longer remembers, and so has to
   * drop everything that it holds.
   */
  readonly isReset: boolean;
  /** Changes that the receiver may not know of, in the order in which the process heard of them. */
  readonly changes: readonly Change[];
  /** Set by a process that was told something in the receiver's name: it is to say the same again. */
  readonly asksAgain?: boolean | undefined;
  /** Set by a process that has just started: the receiver is to reply with its changes after this. */
  readonly asksAfter?: number | undefined;
  /** In such a reply: where in the log of the process the last of the changes stands. */
  readonly through?: number | undefined;
  /** In such a reply: whether there are more changes behind these. */
  readonly hasMore?: boolean | undefined;
}

/** An update as it stands in JSON: a change is `[time, origin, group, key]`. */
export interface ChangeUpdateJson {
  time: number;
  list: string;
  settled: number;
  mark?: string | undefined;
  reset: boolean;
  changes: [number, string, string, string][];
  again?: true | undefined;
  after?: number | undefined;
  through?: number | undefined;
  more?: boolean | undefined;
}

export function toChangeUpdateJson(update: ChangeUpdate): ChangeUpdateJson {
  const { time, list, settledTime, mark, isReset, changes, asksAgain, asksAfter } = update;
  const { through, hasMore } = update;
  return {
    time,
    list,
    settled: settledTime,
    mark,
    reset: isReset,
    changes: changes.map(({ stamp, group, key }) => [stamp.time, stamp.origin, group, key]),
    again: asksAgain || undefined,
    after: asksAfter,
    through,
    more: hasMore,
  };
}

/**
 * The update that a hello holds.
 *
 * @throws {TypeError} If it is malformed.
 */
export function fromChangeUpdateJson(json: unknown): ChangeUpdate {
  const { time, list, settled, mark, reset, changes, again, after, through, more } = Object(json);
  const isValid = isTime(time) && typeof list === "string" && isTime(settled) &&
    Array.isArray(changes) && changes.every(isChangeJson) && (mark === undefined || isMark(mark)) &&
    (after === undefined || isTime(after)) && (through === undefined || isTime(through));
  if (!isValid) throw new TypeError("expected a hello's changes as time, list, settled, changes");
  return {
    time,
    list,
    settledTime: settled,
    ...(mark !== undefined && { mark }),
    isReset: reset === true,
    changes: (changes as ChangeUpdateJson["changes"]).map(([time, origin, group, key]) => (
      { stamp: { time, origin }, group, key }
    )),
    ...(again === true && { asksAgain: true }),
    ...(after !== undefined && { asksAfter: after }),
    ...(through !== undefined && { through, hasMore: more === true }),
  };
}

function isChangeJson(json: unknown): boolean {
  if (!Array.isArray(json)) return false;
  const [time, ...texts] = json;
  return isTime(time) && texts.length === 3 && texts.every((text) => typeof text === "string");
}
