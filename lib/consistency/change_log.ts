import { type Change, compareStamps, type Stamp } from "../wire/change.ts";
import { ForgottenChanges } from "./forgotten_changes.ts";

/** What accompanied a change. */
export interface LearnOptions {
  /**
   * A digest of the list of peers told by the process that made the change, if this process has the
   * same list.
   */
  list?: string | undefined;
  /** The base URL of a peer that certainly knows the change. */
  knownBy?: string | undefined;
}

/** A change in the log of this process. */
export interface LoggedChange extends Change {
  /** Its position in the log, from 1. */
  readonly position: number;
  /** A digest of the list of peers told, if it equals this process's own list. */
  readonly list: string | undefined;
  /** The base URL of a peer that certainly knows the change. */
  knownBy: string | undefined;
  /** The previous change of the same key that is still in the log. */
  previous: LoggedChange | undefined;
  /** The one with the latest stamp among this and all before it of the same key. */
  latest: LoggedChange;
  /** Whether all peers certainly know it. */
  isSettled: boolean;
  /** Whether its value was received for storage, so that duplicates of the message are ignored. */
  hasArrived: boolean;
}

/** All peers on a list know the changes of a process up to a time. */
interface Settled {
  time: number;
  list: string;
}

/** How many forgotten changes are recognized at least for each that is remembered. */
const FORGOTTEN_PER_CHANGE = 2;

/** How many processes are remembered that announced which of their changes are settled. */
const MAX_ORIGINS = 1000;

/**
 * The changes that this process knows, in the order in which it heard of them, up to a bound. The values
 * that it holds or accepts are newer than all changes of their keys in here.
 *
 * A change is *settled* when every peer knows it. Only unsettled changes must be told to a peer before
 * accepting a value from it; settled ones remain in the log for processes that join or return.
 */
export class ChangeLog {
  readonly #origin: string;
  /** The number of changes in the log. */
  readonly maxChanges: number;
  readonly #maxKeyUnits: number;
  /** The changes from position `#start + 1` on. */
  #changes: (Logged | undefined)[] = [];
  /** How many entries at the front of `#changes` have been forgotten. */
  #gone = 0;
  #start = 0;
  #keyUnits = 0;
  /** The last change of each key. */
  #latest = new Map<string, Logged>();
  /** The key whose id was asked for last: each change asks several times. */
  #group = "";
  #key = "";
  #id = "/";
  #time = 0;
  /** The position up to which all changes are settled. */
  #settledThrough = 0;
  /** Which changes of each process are settled, by instance id. */
  #settled = new Map<string, Settled>();
  /** The last entry in there. */
  #lastSettled: Settled | undefined;
  /** Changes that are no longer in the log. */
  #forgotten: ForgottenChanges;
  #forgottenTime = 0;

  constructor({ origin, maxChanges = 16_384, maxKeyUnits = 1 << 20 }: ChangeLogOptions) {
    this.#origin = origin;
    this.maxChanges = maxChanges;
    this.#maxKeyUnits = maxKeyUnits;
    this.#forgotten = new ForgottenChanges(FORGOTTEN_PER_CHANGE * maxChanges);
  }

  /** The highest known time. */
  get time(): number {
    return this.#time;
  }

  /** The position of the last change. */
  get end(): number {
    return this.#start + this.#changes.length - this.#gone;
  }

  /** The position of the last change that was forgotten. */
  get start(): number {
    return this.#start;
  }

  /** The position up to which all changes are settled. */
  get settledThrough(): number {
    return this.#settledThrough;
  }

  /** Returns a stamp for a new change of this process, later than all known ones. */
  next(): Stamp {
    return { time: ++this.#time, origin: this.#origin };
  }

  /** Records the time of another process. */
  witness(time: number): void {
    if (time > this.#time) this.#time = time;
  }

  /** The change of a key with the latest stamp. */
  latest(group: string, key: string): LoggedChange | undefined {
    return this.#latest.get(this.#idOf(group, key))?.latest;
  }

  /** Returns a change, if it is in the log. */
  find({ group, key, stamp }: Change): LoggedChange | undefined {
    let change = this.#latest.get(this.#idOf(group, key));
    // A key may have thousands of changes, and most that come are later than all of them.
    if (change === undefined || compareStamps(stamp, change.latest.stamp) > 0) return undefined;
    while (change !== undefined && compareStamps(change.stamp, stamp) !== 0) {
      change = change.previous;
    }
    return change;
  }

  /** Whether a change was in the log. Of those that were long ago nothing is known any more. */
  hasForgotten(change: Change): boolean {
    return this.#forgotten.has(change);
  }

  /** The highest time of all changes that the log has forgotten. */
  get forgottenTime(): number {
    return this.#forgottenTime;
  }

  /** Adds a new change, and forgets the oldest ones beyond the bound. */
  add(change: Change, options: LearnOptions = {}): LoggedChange {
    const wanted = this.#idOf(change.group, change.key);
    const previous = this.#latest.get(wanted);
    // One text for all changes of a key, whose hash need not be computed again.
    const id = previous?.id ?? wanted;
    const logged = new Logged(change, options, { position: this.end + 1, id, previous });
    this.witness(change.stamp.time);
    this.#latest.set(id, logged);
    this.#changes.push(logged);
    this.#keyUnits += id.length;
    while (this.end - this.#start > this.maxChanges || this.#keyUnits > this.#maxKeyUnits) {
      if (!this.#forgetOldest()) break;
    }
    return logged;
  }

  /** Records that all peers on a process's list know its own changes up to a time. */
  settle(origin: string, time: number, list: string): void {
    const before = this.#settled.get(origin);
    if (before !== undefined && time <= before.time && list === before.list) return;
    if (before !== undefined && before === this.#lastSettled) {
      before.time = time;
      before.list = list;
    } else {
      // Moved to the end, so that the least recent processes are in front.
      this.#settled.delete(origin);
      this.#settled.set(origin, this.#lastSettled = { time, list });
      if (this.#settled.size > MAX_ORIGINS) {
        const [oldest] = this.#settled.keys();
        if (oldest !== undefined) this.#settled.delete(oldest);
      }
    }
    this.#advance();
  }

  /** Records that every peer knows all changes up to a position. */
  settleThrough(position: number): void {
    if (position <= this.#settledThrough) return;
    this.#settledThrough = position;
    this.#advance();
  }

  /** Yields the changes after a position, in order. */
  *after(position: number): Generator<LoggedChange> {
    for (let at = Math.max(position, this.#start) - this.#start;; at++) {
      const change = this.#changes[this.#gone + at];
      if (change === undefined) return;
      yield change;
    }
  }

  /** Yields the unsettled changes of a key, the last one first. */
  *unsettled(group: string, key: string): Generator<LoggedChange> {
    // By far the most common case: no recent changes.
    if (this.#settledThrough === this.end) return;
    let change = this.#latest.get(this.#idOf(group, key));
    for (; change !== undefined; change = change.previous) {
      if (!this.isSettled(change)) yield change;
    }
  }

  /** Returns the last known change of a key. */
  last(group: string, key: string): LoggedChange | undefined {
    return this.#latest.get(this.#idOf(group, key));
  }

  /** Records that another process has started at a URL: it does not know what the one before was told first. */
  restarted(url: string): void {
    for (const change of this.after(this.#start)) {
      if (change.knownBy === url) change.knownBy = undefined;
    }
  }

  /** Whether every peer certainly knows a change. */
  isSettled(change: LoggedChange): boolean {
    if (change.isSettled || change.position <= this.#settledThrough) return true;
    if (change.list === undefined) return false;
    const settled = this.#settled.get(change.stamp.origin);
    return settled?.list === change.list && change.stamp.time <= settled.time;
  }

  #advance(): void {
    // A change that was forgotten unsettled does not become settled by later ones.
    if (this.#settledThrough < this.#start) return;
    for (;;) {
      const next = this.#changes[this.#gone + this.#settledThrough - this.#start];
      if (next === undefined || !this.isSettled(next)) return;
      this.#settledThrough = next.position;
    }
  }

  /** Group names contain no slash. */
  #idOf(group: string, key: string): string {
    if (key !== this.#key || group !== this.#group) {
      this.#group = group;
      this.#key = key;
      this.#id = `${group}/${key}`;
    }
    return this.#id;
  }

  /** Forgets the oldest change. Returns false if only the last one is left. */
  #forgetOldest(): boolean {
    const change = this.#changes[this.#gone];
    if (change === undefined || change.position === this.end) return false;
    this.#changes[this.#gone++] = undefined;
    this.#forgotten.add(change);
    this.#forgottenTime = Math.max(this.#forgottenTime, change.stamp.time);
    this.#start++;
    const { id, next } = change;
    this.#keyUnits -= id.length;
    if (next === undefined) this.#latest.delete(id);
    else next.previous = undefined;
    // A later one may still refer to it, which must not keep all in between.
    change.next = undefined;
    if (2 * this.#gone > this.#changes.length) {
      this.#changes = this.#changes.slice(this.#gone);
      this.#gone = 0;
    }
    return true;
  }
}

/** Options for {@linkcode ChangeLog}. */
export interface ChangeLogOptions {
  /** The instance id of this process. */
  origin: string;
  /**
   * How many changes to remember.
   *
   * @default 16384
   */
  maxChanges?: number;
  /**
   * How many UTF-16 units of keys and group names to remember.
   *
   * @default 1048576
   */
  maxKeyUnits?: number;
}

/** A class for the reason of `OwnerLoad`. */
class Logged implements LoggedChange {
  readonly group: string;
  readonly key: string;
  readonly stamp: Stamp;
  readonly position: number;
  /** Equal for all changes of a key. */
  readonly id: string;
  readonly list: string | undefined;
  knownBy: string | undefined;
  previous: Logged | undefined;
  /** The next change of the same key. */
  next: Logged | undefined;
  latest: Logged;
  isSettled = false;
  hasArrived = false;

  constructor(
    { group, key, stamp }: Change,
    { list, knownBy }: LearnOptions,
    { position, id, previous }: Pick<Logged, "position" | "id" | "previous">,
  ) {
    this.group = group;
    this.key = key;
    this.stamp = stamp;
    this.position = position;
    this.id = id;
    this.list = list;
    this.knownBy = knownBy;
    this.previous = previous;
    if (previous !== undefined) previous.next = this;
    const isLatest = previous === undefined || compareStamps(stamp, previous.latest.stamp) > 0;
    this.latest = isLatest ? this : previous.latest;
  }
}
