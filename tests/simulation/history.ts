/** A value that exists: which load or `set` it came from, and when that was. */
export interface Value {
  readonly id: number;
  readonly group: number;
  readonly key: string;
  /** The call of `set` that brought it; undefined if it was loaded. */
  readonly setBy: Change | undefined;
  /** Who loaded or set it. */
  readonly by: string;
  readonly began: Instant;
  /** When the load came to its end; as `began` for a `set`, whose time to live begins at once. */
  ended: Instant | undefined;
  readonly ttlMs: number;
  /**
   * How long messages that set it have been under way until they were applied, in milliseconds: what is
   * left of the time to live travels with them, and nobody can say how long that took.
   */
  lateMs: number;
}

/** A point in the order of all that happened. */
export interface Instant {
  readonly order: number;
  readonly atMs: number;
}

/** A process as the rules see it. */
export interface Observed {
  readonly name: string;
  readonly url: string;
  readonly started: Instant;
  /** Whether it is still there, and was not told to close. */
  readonly isUp: boolean;
  /** Its own list. */
  readonly peers: readonly string[];
}

/** A call of `set` or `remove`. */
export interface Change {
  readonly kind: "set" | "remove";
  readonly group: number;
  readonly key: string;
  readonly by: Observed;
  readonly began: Instant;
  /** Whom the caller knew of when the call began, itself included. */
  readonly knew: readonly string[];
  ended: Instant | undefined;
  /** Whom it knew of all the time until the call ended. */
  knewThroughout: readonly string[];
  outcome: "under way" | "resolved" | "peer-failed" | "other failure";
  /** Processes that a message of the change has reached, and those that one was lost to. */
  readonly reached: Set<string>;
  readonly missed: Set<string>;
  /** Who was there and was not told, for people. */
  whoMissedIt: string;
}

/** A call that brought a value. */
export interface Read {
  readonly kind: string;
  readonly group: number;
  readonly key: string;
  readonly by: Observed;
  readonly began: Instant;
  readonly ended: Instant;
  readonly value: Value;
  /** When the first call began whose flight it may have joined, in milliseconds; often `began`. */
  readonly sinceMs: number;
}

/** What the code under test did, in the order in which it did. */
export class History {
  readonly values: Map<number, Value> = new Map();
  readonly changes: Change[] = [];
  #byKey = new Map<string, Change[]>();
  /** When a caller last left, by group and key. */
  #left = new Map<string, Instant>();
  #order = 0;
  #now: () => number;

  /** @param now The virtual time, in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  instant(): Instant {
    return { order: this.#order++, atMs: this.#now() };
  }

  /** A value that is about to be. */
  newValue(
    value: Omit<Value, "id" | "began" | "ended" | "lateMs">,
    began: Instant = this.instant(),
  ): Value {
    const made = { ...value, id: this.values.size, began, ended: undefined, lateMs: 0 };
    this.values.set(made.id, made);
    return made;
  }

  changeBegan(change: Pick<Change, "kind" | "group" | "key" | "by" | "knew">): Change {
    const made: Change = {
      ...change,
      began: this.instant(),
      ended: undefined,
      knewThroughout: [],
      outcome: "under way",
      reached: new Set(),
      missed: new Set(),
      whoMissedIt: "",
    };
    this.changes.push(made);
    const name = `${change.group} ${change.key}`;
    const changes = this.#byKey.get(name);
    if (changes === undefined) this.#byKey.set(name, [made]);
    else changes.push(made);
    return made;
  }

  /** A caller no longer waits for keys. */
  callerLeft(group: number, keys: readonly string[]): void {
    for (const key of keys) this.#left.set(`${group} ${key}`, this.instant());
  }

  /** Whether a caller has left a key since an instant. */
  hasLeft(group: number, key: string, since: Instant): boolean {
    return (this.#left.get(`${group} ${key}`)?.order ?? -1) > since.order;
  }

  /** The changes of some keys that a process is about to make. */
  underWay(by: string, keys: readonly string[]): Change[] {
    return this.changes.filter((change) =>
      change.ended === undefined && change.by.name === by && keys.includes(change.key)
    );
  }

  /** A process has died: its calls will never end, but nothing of them can begin any more. */
  died(by: string): void {
    for (const change of this.changes) {
      if (change.ended !== undefined || change.by.name !== by) continue;
      change.ended = this.instant();
      change.outcome = "other failure";
    }
  }

  /** The changes of a key, in the order in which they began. */
  changesOf(group: number, key: string): readonly Change[] {
    return this.#byKey.get(`${group} ${key}`) ?? [];
  }
}

/** Whether a value was there before a change: loaded or set by a call that began before it. */
export function isOlder(value: Value, change: Change): boolean {
  if (value.began.order > change.began.order || value.setBy === change) return false;
  // One that was under way at the same time may come after it.
  const { setBy } = value;
  return setBy === undefined || setBy.ended !== undefined && setBy.ended.order < change.began.order;
}
