import type { Clock } from "../timing/clock.ts";
import type { ChangeLog, LoggedChange } from "./change_log.ts";

/** What a peer is told about the changes that this process knows. */
export interface MissedChanges {
  /** The changes, in the order in which this process heard of them. */
  readonly changes: readonly LoggedChange[];
  /** Whether the peer has missed changes that this process no longer remembers. */
  readonly isReset: boolean;
}

/** A peer that can be told. */
export interface Tellable {
  readonly url: string;
}

/** What a peer is known to know. */
interface Knowledge {
  /** It knows all changes up to this position of the log, */
  through: number;
  /** and, if this is true, of all settled ones too: it has been listed since it was last told. */
  isCaughtUp: boolean;
  isListed: boolean;
  /** The end of the log when it was listed: changes up to there may have settled without it. */
  listedFrom: number;
  telling: Promise<void> | undefined;
}

/** Changes and UTF-16 units of keys in one update, so that it fits a hello. */
const MAX_CHANGES = 500;
const MAX_KEY_UNITS = 96 * 1024;

/** How many peers off the list have their position remembered. Others are told to drop everything. */
const MAX_UNLISTED = 1000;

/** The interval of the timer, in milliseconds. After two, an unsettled change is told to all peers. */
const ROUND_MS = 2000;

/**
 * Which of the changes that this process knows each peer knows too.
 *
 * A value may be accepted from a peer only if the peer knew every change of the key that this process
 * knows: then it has dropped all older values. Usually it did, because the process that made the change
 * told everyone. A peer that may have missed one (it was unreachable, off the list, or only on another
 * process's list) is told before it is asked. A peer that has missed more than the log remembers is told
 * to drop everything.
 */
export class PeerKnowledge<P extends Tellable> {
  readonly #options: PeerKnowledgeOptions<P>;
  readonly #peers = new Map<string, Knowledge>();
  /** The end of the log when the timer was last due: what was unsettled then is overdue. */
  #endBefore = 0;
  /** All peers are told again when the log grows beyond this position. */
  #pressedAt = 0;
  #timer: unknown;
  #isClosed = false;

  constructor(options: PeerKnowledgeOptions<P>) {
    this.#options = options;
  }

  /** Records a new list of peers. Those that join or return are told at once what they missed. */
  listChanged(): void {
    const { listed, log } = this.#options;
    const peers = listed();
    const urls = new Set(peers.map(({ url }) => url));
    for (const [url, knowledge] of this.#peers) {
      if (!knowledge.isListed || urls.has(url)) continue;
      knowledge.through = this.#through(knowledge);
      knowledge.isListed = knowledge.isCaughtUp = false;
      // Moved to the end, so that peers off the list for longest are in front.
      this.#peers.delete(url);
      this.#peers.set(url, knowledge);
    }
    this.#forgetSome();
    for (const peer of peers) {
      const knowledge = this.#of(peer);
      if (knowledge.isListed) continue;
      knowledge.isListed = true;
      knowledge.listedFrom = log.end;
      knowledge.isCaughtUp = knowledge.through >= log.end;
      if (!knowledge.isCaughtUp) this.#tellSoon(peer);
    }
  }

  /**
   * Records that another process has started under a peer's URL. It does not know what the one before was
   * told, and may hold values from before all that the log remembers: it may have started long ago.
   */
  restarted(peer: P): void {
    const isListed = this.#peers.get(peer.url)?.isListed ?? false;
    const isCaughtUp = isListed && this.#options.log.end === 0;
    // An update on its way to the one before is no news to this one.
    this.#peers.set(peer.url, {
      through: 0,
      isCaughtUp,
      isListed,
      listedFrom: this.#options.log.end,
      telling: undefined,
    });
    if (!isCaughtUp) this.#tellSoon(peer);
  }

  /**
   * Ensures that a peer knows every change of a key that this process knows. Returns undefined if it
   * already does. Rejects if the peer cannot be told.
   */
  catchUp(peer: P, group: string, key: string): Promise<void> | undefined {
    return this.#mayLack(peer, group, key) ? this.tell(peer) : undefined;
  }

  /** Tells a peer all changes that it may not know. Rejects if it cannot be told. */
  tell(peer: P): Promise<void> {
    const knowledge = this.#of(peer);
    const { log } = this.#options;
    const { end } = log;
    knowledge.telling ??= this.#tell(peer, knowledge).finally(() => {
      knowledge.telling = undefined;
    });
    const { telling } = knowledge;
    // An update in flight may not contain the last changes.
    return telling.then(() => this.#through(this.#of(peer)) < end ? this.tell(peer) : undefined);
  }

  /** What a peer would be told next: no changes if it knows all. */
  owed(url: string): MissedChanges {
    const knowledge = this.#peers.get(url.replace(/\/$/, ""));
    return knowledge === undefined ? { changes: [], isReset: false } : this.#next(knowledge);
  }

  /** Schedules telling everyone the changes that do not settle soon. */
  changesAdded(): void {
    const { log } = this.#options;
    // Before the log forgets changes that peers have not been told.
    if (log.end - log.settledThrough > log.maxChanges / 4 && log.end > this.#pressedAt) {
      this.#pressedAt = log.end + log.maxChanges / 16;
      this.#tellAll();
    }
    this.watch();
  }

  /** Keeps a timer while there is a change that a peer may not know. */
  watch(): void {
    if (this.#timer !== undefined || this.#isClosed || !this.#hasWork()) return;
    const { clock } = this.#options;
    this.#timer = clock.setTimeout(() => {
      this.#timer = undefined;
      this.#tellOverdue();
      this.watch();
    }, ROUND_MS);
    clock.unrefTimer?.(this.#timer);
  }

  /** Stops telling peers unprompted. */
  close(): void {
    this.#isClosed = true;
    this.#options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Collects the changes after a position, and the position up to which the peer then knows all. */
  updateAfter(
    from: number,
    { knowsSettled }: { knowsSettled: boolean },
  ): { changes: LoggedChange[]; through: number } {
    const { log } = this.#options;
    const changes: LoggedChange[] = [];
    let through = from;
    let units = 0;
    for (const change of log.after(from)) {
      if (!knowsSettled || !log.isSettled(change)) {
        units += change.group.length + change.key.length;
        const isFull = changes.length === MAX_CHANGES || units > MAX_KEY_UNITS;
        if (isFull && changes.length > 0) return { changes, through };
        changes.push(change);
      }
      through = change.position;
    }
    return { changes, through };
  }

  #of({ url }: P): Knowledge {
    let knowledge = this.#peers.get(url);
    if (knowledge === undefined) {
      knowledge = {
        through: 0,
        isCaughtUp: false,
        isListed: false,
        listedFrom: 0,
        telling: undefined,
      };
      this.#peers.set(url, knowledge);
      this.#forgetSome();
    }
    return knowledge;
  }

  #forgetSome(): void {
    if (this.#peers.size <= MAX_UNLISTED + this.#options.listed().length) return;
    for (const [url, { isListed, telling }] of this.#peers) {
      if (isListed || telling !== undefined) continue;
      this.#peers.delete(url);
      return;
    }
  }

  #through({ through, isCaughtUp }: Knowledge): number {
    return isCaughtUp ? Math.max(through, this.#options.log.settledThrough) : through;
  }

  #mayLack(peer: P, group: string, key: string): boolean {
    const { log } = this.#options;
    if (log.end === 0) return false;
    const knowledge = this.#of(peer);
    const through = this.#through(knowledge);
    if (through < log.start) return true;
    if (!knowledge.isCaughtUp) {
      let change = log.last(group, key);
      for (; change !== undefined && change.position > through; change = change.previous) {
        if (change.knownBy !== peer.url) return true;
      }
      return false;
    }
    for (const change of log.unsettled(group, key)) {
      // Those that follow are older still.
      if (change.position <= through) return false;
      if (change.knownBy !== peer.url) return true;
    }
    return false;
  }

  /** The next update for a peer, and the position up to which it then knows all changes. */
  #next(knowledge: Knowledge): MissedChanges & { through: number } {
    const { log } = this.#options;
    const isReset = this.#through(knowledge) < log.start;
    const from = isReset ? log.start : knowledge.through;
    const knowsSettled = knowledge.isCaughtUp && !isReset;
    return { isReset, ...this.updateAfter(from, { knowsSettled }) };
  }

  async #tell(peer: P, knowledge: Knowledge): Promise<void> {
    const { log, tell } = this.#options;
    const { end } = log;
    while (knowledge.through < end || !knowledge.isCaughtUp) {
      const { changes, isReset, through } = this.#next(knowledge);
      if (changes.length > 0 || isReset) await tell(peer, { changes, isReset });
      knowledge.through = Math.max(knowledge.through, through);
      if (through < end) continue;
      // It was listed meanwhile, after changes that settled without it.
      if (knowledge.isListed && knowledge.through < knowledge.listedFrom) continue;
      knowledge.isCaughtUp = knowledge.isListed;
      break;
    }
    this.#settle();
  }

  /** Settles the changes that all listed peers were told. */
  #settle(): void {
    const { listed, log } = this.#options;
    let through = log.end;
    for (const peer of listed()) {
      const knowledge = this.#of(peer);
      if (!knowledge.isCaughtUp) return;
      through = Math.min(through, this.#through(knowledge));
    }
    log.settleThrough(through);
  }

  #tellSoon(peer: P): void {
    this.tell(peer).catch(() => {});
    this.watch();
  }

  #hasWork(): boolean {
    const { log, listed } = this.#options;
    if (log.end === 0 || listed().length === 0) return false;
    return log.settledThrough < log.end || listed().some((peer) => !this.#of(peer).isCaughtUp);
  }

  #tellOverdue(): void {
    const { log } = this.#options;
    const isOverdue = log.settledThrough < this.#endBefore;
    this.#endBefore = log.end;
    this.#tellAll((peer) => isOverdue || !this.#of(peer).isCaughtUp);
  }

  #tellAll(isMeant: (peer: P) => boolean = () => true): void {
    const { listed, admits } = this.#options;
    for (const peer of listed()) {
      if (!isMeant(peer) || this.#of(peer).telling !== undefined || !admits(peer)) continue;
      this.tell(peer).catch(() => {});
    }
  }
}

/** Options for {@linkcode PeerKnowledge}. */
export interface PeerKnowledgeOptions<P extends Tellable> {
  log: ChangeLog;
  clock: Clock;
  /** The peers on the current list. */
  listed: () => readonly P[];
  /** Whether a peer is worth an attempt now. */
  admits: (peer: P) => boolean;
  /** Tells a peer. Rejects if it does not reply. */
  tell: (peer: P, update: MissedChanges) => Promise<void>;
}
