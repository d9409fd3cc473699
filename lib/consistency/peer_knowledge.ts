import { GroupCacheError } from "../errors.ts";
import type { Clock } from "../timing/clock.ts";
import type { ChangeUpdate, Reset } from "../wire/change_update.ts";
import type { Change } from "../wire/change.ts";
import type { ChangeLog, LoggedChange } from "./change_log.ts";
import type { Gaps } from "./gaps.ts";
import { type Knowledge, UNTOLD } from "./knowledge.ts";
import { takeAfter } from "./take_after.ts";
import { TellingRounds } from "./telling_rounds.ts";

/** What a peer is told about the changes that this process knows. */
export interface MissedChanges {
  /** The changes, in the order in which this process heard of them. */
  readonly changes: readonly LoggedChange[];
  /** Set if the peer may have missed changes that this process cannot name. */
  readonly reset?: Reset | undefined;
}

/** A peer that can be told. */
export interface Tellable {
  readonly url: string;
}

/** A process that runs for less, in milliseconds, is not told unprompted before the next round. */
const MIN_RUN_MS = 1000;

/** How many processes in turn are told at one URL before whoever waits is given up. */
const MAX_RESTARTS = 3;

/** How many peers off the list have their position remembered. Others are told to drop everything. */
const MAX_UNLISTED = 1000;

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
  /** The instance ids of peers that have missed nothing in the gaps, as others have said. */
  #safe = new Set<string | undefined>();
  readonly #rounds: TellingRounds;
  #areCaughtUp = true;

  constructor(options: PeerKnowledgeOptions<P>) {
    const { log, clock } = options;
    this.#options = options;
    this.#rounds = new TellingRounds({
      log,
      clock,
      isOwed: () => this.#hasWork(),
      tellAll: () => this.#tellAll(() => true),
      tellOwed: () => this.#tellAll((peer) => this.#isOwed(peer)),
    });
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
    for (const peer of peers) {
      const knowledge = this.#of(peer);
      if (knowledge.isListed) continue;
      knowledge.isListed = true;
      knowledge.listedFrom = log.end;
      knowledge.isCaughtUp = knowledge.through >= log.end;
      if (!knowledge.isCaughtUp || !this.#isSafe(knowledge)) this.#tellSoon(peer);
    }
    this.#areCaughtUp = peers.every((peer) => this.#of(peer).isCaughtUp);
  }

  /** Whether all peers on the list certainly know all changes that are settled. */
  get areCaughtUp(): boolean {
    return this.#areCaughtUp;
  }

  /**
   * Records which process is at a peer's URL. One that has started there since does not know what the one
   * before was told, and may hold values from before all that the log remembers: it may have started long
   * ago.
   */
  met(peer: P, instance: string): void {
    const before = this.#of(peer);
    const { isListed } = before;
    const { log, gaps, clock } = this.#options;
    before.instance ??= instance;
    if (before.instance === instance) return;
    const sinceMs = clock.now();
    const isCaughtUp = isListed && log.end === 0;
    log.restarted(peer.url);
    // An update on its way to the one before is no news to this one.
    const listedFrom = log.end;
    this.#peers.set(peer.url, { ...UNTOLD, isCaughtUp, isListed, instance, sinceMs, listedFrom });
    if (isListed && !isCaughtUp) this.#areCaughtUp = false;
    // Several that share a URL by mistake answer in turns: each reply would have another one told.
    if (sinceMs - before.sinceMs < MIN_RUN_MS) this.#rounds.watch();
    else if (isListed && (!isCaughtUp || gaps.count > 0)) this.#tellSoon(peer);
  }

  /**
   * Records gaps that a peer tells of. Returns whether this process may have missed something in there: then
   * it has to drop everything, and so do all peers that may have missed it too.
   *
   * @param from The peer's instance id.
   */
  learnGaps(from: string, reset: Reset): boolean {
    const { gaps } = this.#options;
    const before = new Set(this.#safePeers());
    const hadNone = gaps.count === 0;
    if (!gaps.learn(reset)) return false;
    const safe = [from, ...reset.safe].filter((instance) =>
      hadNone || before.has(instance) || this.#safe.has(instance)
    );
    this.#safe = new Set(safe);
    this.#rounds.watch();
    return true;
  }

  /** Whether a process has certainly missed nothing that this process cannot name. */
  isSafe({ self, instance }: { self: string; instance: string }): boolean {
    const knowledge = this.#at(self);
    return knowledge?.instance === instance && this.#hasAll(knowledge);
  }

  /** What has whoever may have missed something that this process cannot name drop everything. */
  get reset(): Reset | undefined {
    const gaps = this.#options.gaps.all;
    return gaps.length === 0 ? undefined : { gaps, safe: this.#safePeers() };
  }

  /**
   * Ensures that a peer knows every change of a key that this process knows. Returns undefined if it
   * already does. Rejects if the peer cannot be told.
   */
  catchUp(peer: P, group: string, key: string): Promise<void> | undefined {
    return this.#mayLack(peer, group, key) ? this.tell(peer) : undefined;
  }

  /**
   * Tells a peer all changes that it may not know. Rejects if it cannot be told.
   *
   * @param restarts How often another process has answered at its URL than the one that was told.
   */
  tell(peer: P, restarts = 0): Promise<void> {
    const knowledge = this.#of(peer);
    const { log, gaps } = this.#options;
    const { end } = log;
    const { count } = gaps;
    knowledge.telling ??= this.#tell(peer, knowledge).finally(() => {
      knowledge.telling = undefined;
    });
    const { telling } = knowledge;
    // An update in flight may not contain the last changes.
    return telling.then(() => {
      const current = this.#of(peer);
      if (this.#through(current) >= end && this.#isSafe(current, count)) return;
      if (current === knowledge) return this.tell(peer, restarts);
      if (restarts < MAX_RESTARTS) return this.tell(peer, restarts + 1);
      const why = "several processes answer at its URL";
      throw new GroupCacheError("peer-failed", `Cannot tell peer ${peer.url} of changes: ${why}`);
    });
  }

  /** What a peer would be told next: no changes if it knows all. */
  owed(url: string): MissedChanges {
    const knowledge = this.#at(url);
    return knowledge === undefined ? { changes: [] } : this.#next(knowledge);
  }

  /** Has everyone told of changes that do not settle soon. */
  changesAdded(): void {
    this.#rounds.changesAdded();
  }

  /** Stops telling peers unprompted. */
  close(): void {
    this.#rounds.close();
  }

  /** A part of what this process knows, for a peer that has just started. */
  pageAfter(from: number): Pick<ChangeUpdate, "changes" | "through" | "hasMore" | "known"> {
    const { log } = this.#options;
    const { changes, through } = takeAfter(from, { log, knowsSettled: false });
    const settled = Math.min(through, log.settledThrough);
    const to = [...this.#peers].flatMap(([url, knowledge]) => {
      const { instance } = knowledge;
      return instance === undefined || this.#through(knowledge) < settled
        ? []
        : [{ url, instance }];
    });
    const count = changes.findLastIndex(({ position }) => position <= settled) + 1;
    return { changes, through, hasMore: through < log.end, known: { count, to } };
  }

  /**
   * Applies the changes that a peer tells of, one by one. It knows them, and so may others: if this process
   * thought that it had to tell them, its log might forget what they seem not to know.
   *
   * @param from The peer's instance id.
   */
  learn(from: string, { changes, known }: ChangeUpdate, learn: (change: Change) => void): void {
    const { count, to } = known ?? { count: 0, to: [] };
    for (const { url, instance } of to) {
      const knowledge = this.#at(url);
      // If that is not so, it shows when the peer is met.
      if (knowledge !== undefined) knowledge.instance ??= instance;
    }
    const all = new Set([from, ...to.map(({ instance }) => instance)]);
    this.#learnFrom(all, changes.slice(0, count), learn);
    this.#learnFrom(new Set([from]), changes.slice(count), learn);
  }

  #learnFrom(
    knowing: ReadonlySet<string | undefined>,
    changes: readonly Change[],
    learn: (change: Change) => void,
  ): void {
    if (changes.length === 0) return;
    const { log } = this.#options;
    const { end } = log;
    const knowledge = [...this.#peers.values()].filter((knowledge) =>
      knowing.has(knowledge.instance) && this.#through(knowledge) === end
    );
    changes.forEach(learn);
    for (const one of knowledge) one.through = log.end;
    this.#settle();
  }

  #at(url: string): Knowledge | undefined {
    return this.#peers.get(url.replace(/\/$/, ""));
  }

  #of({ url }: P): Knowledge {
    let knowledge = this.#peers.get(url);
    if (knowledge === undefined) {
      knowledge = { ...UNTOLD };
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
    const { log, gaps } = this.#options;
    if (log.end === 0 && gaps.count === 0) return false;
    const knowledge = this.#of(peer);
    if (!this.#hasAll(knowledge)) return true;
    const through = this.#through(knowledge);
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
    const remembers = this.#through(knowledge) >= log.start;
    const from = remembers ? knowledge.through : log.start;
    const knowsSettled = knowledge.isCaughtUp && remembers;
    const update = takeAfter(from, { log, knowsSettled });
    return this.#hasAll(knowledge) ? update : { ...update, reset: this.reset };
  }

  async #tell(peer: P, knowledge: Knowledge): Promise<void> {
    const { log, gaps, tell } = this.#options;
    const { end } = log;
    const { count } = gaps;
    // Its reply says which process it is, and that one may be safe.
    if (knowledge.instance === undefined && !this.#isSafe(knowledge)) {
      await tell(peer, { changes: [] });
    }
    while (knowledge.through < end || !knowledge.isCaughtUp || !this.#isSafe(knowledge, count)) {
      const { count } = gaps;
      const { changes, reset, through } = this.#next(knowledge);
      if (changes.length > 0 || reset !== undefined) await tell(peer, { changes, reset });
      knowledge.through = Math.max(knowledge.through, through);
      if (reset !== undefined) knowledge.gaps = Math.max(knowledge.gaps, count);
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
    this.#areCaughtUp = true;
    log.settleThrough(through);
  }

  /** Whether a peer has missed nothing in the gaps, as they were at a count, or has dropped everything. */
  #isSafe({ gaps, instance }: Knowledge, count: number = this.#options.gaps.count): boolean {
    return gaps >= count || this.#safe.has(instance);
  }

  /** The instance ids of the peers that have missed nothing that this process cannot name. */
  #safePeers(): string[] {
    const safe: string[] = [];
    for (const knowledge of this.#peers.values()) {
      const { instance } = knowledge;
      if (instance !== undefined && this.#hasAll(knowledge)) safe.push(instance);
    }
    return safe;
  }

  /** Whether a peer has missed nothing that this process cannot name. */
  #hasAll(knowledge: Knowledge): boolean {
    return this.#through(knowledge) >= this.#options.log.start && this.#isSafe(knowledge);
  }

  #tellSoon(peer: P): void {
    this.tell(peer).catch(() => {});
    this.#rounds.watch();
  }

  #hasWork(): boolean {
    const { log, gaps, listed } = this.#options;
    if (log.end === 0 && gaps.count === 0 || listed().length === 0) return false;
    return log.settledThrough < log.end || listed().some((peer) => this.#isOwed(peer));
  }

  #isOwed(peer: P): boolean {
    const knowledge = this.#of(peer);
    return !knowledge.isCaughtUp || !this.#isSafe(knowledge);
  }

  #tellAll(isMeant: (peer: P) => boolean): void {
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
  gaps: Gaps;
  clock: Clock;
  /** The peers on the current list. */
  listed: () => readonly P[];
  /** Whether a peer is worth an attempt now. */
  admits: (peer: P) => boolean;
  /** Tells a peer. Rejects if it does not reply. */
  tell: (peer: P, update: MissedChanges) => Promise<void>;
}
