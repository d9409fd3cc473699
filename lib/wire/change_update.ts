import { type Change, isId } from "./change.ts";
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
  /** Set if the receiver has missed changes that the process can no longer tell it. */
  readonly reset?: Reset | undefined;
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
  /** In such a reply: which of the changes others certainly know too. */
  readonly known?: KnownChanges | undefined;
}

/** The first few of some changes, and the processes that know them. */
export interface KnownChanges {
  readonly count: number;
  readonly to: readonly { readonly url: string; readonly instance: string }[];
}

/** Changes that the log of a process has forgotten. */
export interface Gap {
  /** The instance id of the process. */
  readonly origin: string;
  /** How many they are. A larger gap of the same process includes a smaller one. */
  readonly size: number;
}

/** Has the receiver drop everything that it holds, if it may have missed anything in these gaps. */
export interface Reset {
  readonly gaps: readonly Gap[];
  /** The instance ids of the processes that have certainly missed nothing in there. */
  readonly safe: readonly string[];
}

/**
 * An update as it stands in JSON: a change is `[time, origin, group, key]`, a gap `[origin, size]`, and a
 * process `[url, instance]`.
 */
export interface ChangeUpdateJson {
  time: number;
  list: string;
  settled: number;
  mark?: string | undefined;
  reset?: { gaps: [string, number][]; safe: readonly string[] } | undefined;
  changes: [number, string, string, string][];
  again?: true | undefined;
  after?: number | undefined;
  through?: number | undefined;
  more?: boolean | undefined;
  known?: { count: number; to: [string, string][] } | undefined;
}

export function toChangeUpdateJson(update: ChangeUpdate): ChangeUpdateJson {
  const { time, list, settledTime, mark, reset, changes, asksAgain, asksAfter } = update;
  const { through, hasMore, known } = update;
  return {
    time,
    list,
    settled: settledTime,
    mark,
    reset: reset &&
      { gaps: reset.gaps.map(({ origin, size }) => [origin, size]), safe: reset.safe },
    changes: changes.map(({ stamp, group, key }) => [stamp.time, stamp.origin, group, key]),
    again: asksAgain || undefined,
    after: asksAfter,
    through,
    more: hasMore,
    known: known &&
      { count: known.count, to: known.to.map(({ url, instance }) => [url, instance]) },
  };
}

/**
 * The update that a hello holds.
 *
 * @throws {TypeError} If it is malformed.
 */
export function fromChangeUpdateJson(json: unknown): ChangeUpdate {
  const { time, list, settled, mark, reset, changes, again, after, through, more, known } = Object(
    json,
  );
  const isValid = isTime(time) && isId(list) && isTime(settled) &&
    Array.isArray(changes) && changes.every(isChangeJson) && (mark === undefined || isMark(mark)) &&
    (after === undefined || isTime(after)) && (through === undefined || isTime(through)) &&
    (reset === undefined || isResetJson(reset)) && (known === undefined || isKnownJson(known));
  if (!isValid) throw new TypeError("expected a hello's changes as time, list, settled, changes");
  return {
    time,
    list,
    settledTime: settled,
    ...(mark !== undefined && { mark }),
    ...(reset !== undefined && { reset: fromResetJson(reset) }),
    changes: (changes as ChangeUpdateJson["changes"]).map(([time, origin, group, key]) => (
      { stamp: { time, origin }, group, key }
    )),
    ...(again === true && { asksAgain: true }),
    ...(after !== undefined && { asksAfter: after }),
    ...(through !== undefined && { through, hasMore: more === true }),
    ...(known !== undefined && { known: fromKnownJson(known) }),
  };
}

function isResetJson(json: unknown): json is NonNullable<ChangeUpdateJson["reset"]> {
  const { gaps, safe } = Object(json);
  return Array.isArray(gaps) && gaps.length > 0 && gaps.every(isGapJson) &&
    Array.isArray(safe) && safe.every(isId);
}

function fromResetJson({ gaps, safe }: NonNullable<ChangeUpdateJson["reset"]>): Reset {
  return { gaps: gaps.map(([origin, size]) => ({ origin, size })), safe };
}

function isKnownJson(json: unknown): json is NonNullable<ChangeUpdateJson["known"]> {
  const { count, to } = Object(json);
  return isTime(count) && Array.isArray(to) && to.every(isProcessJson);
}

function fromKnownJson({ count, to }: NonNullable<ChangeUpdateJson["known"]>): KnownChanges {
  return { count, to: to.map(([url, instance]) => ({ url, instance })) };
}

function isProcessJson(json: unknown): boolean {
  return Array.isArray(json) && json.length === 2 && typeof json[0] === "string" && isId(json[1]);
}

function isGapJson(json: unknown): boolean {
  return Array.isArray(json) && json.length === 2 && isId(json[0]) && isTime(json[1]);
}

function isChangeJson(json: unknown): boolean {
  if (!Array.isArray(json)) return false;
  const [time, ...texts] = json;
  return isTime(time) && isId(texts[0]) && texts.length === 3 &&
    texts.every((text) => typeof text === "string");
}
