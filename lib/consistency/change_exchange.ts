import type { Peer } from "../peer/peer.ts";
import type { PeerSet } from "../peer/peer_set.ts";
import { fnv1a } from "../placement/fnv.ts";
import type { Clock } from "../timing/clock.ts";
import { withDeadline } from "../timing/deadline.ts";
import { type ChangeNote, NO_MARK } from "../wire/change_note.ts";
import type { Hello } from "../wire/hello.ts";
import type { ChangeUpdate } from "../wire/change_update.ts";
import { type Change, compareStamps } from "../wire/change.ts";
import { ChangeLog, type ChangeLogOptions, type LoggedChange } from "./change_log.ts";
import { ChangeTurns } from "./change_turns.ts";
import { Gaps } from "./gaps.ts";
import { Marks } from "./marks.ts";
import { OpenChanges } from "./open_changes.ts";
import { type MissedChanges, PeerKnowledge } from "./peer_knowledge.ts";

/** A process that has had peers for longer has been told of changes all along, in milliseconds. */
const YOUTH_MS = 60_000;

/** How long a new process waits for what its peers know, in milliseconds. */
const ASK_MS = 1000;

/** Several processes behind one URL, each of which answers in its turn, must not be asked without end. */
const MAX_RESTARTS = 3;

/**
 * How far the time of a message may be ahead of all that this process has heard of. Peers that can be
 * reached are told of each change, so theirs is only after a failure. A stranger that sends 1000
 * messages a second needs two years to count to the end.
 */
const MAX_LEAD = 4096;

/** A process without changes for this long announces which ones are settled, in milliseconds. */
const ANNOUNCE_MS = 500;

// Why no old value comes back:
//
// 1. The value that a process holds of a key is newer than every change of the key that the process
//    knows: when it hears of a change it drops the value and forgets values in flight.
// 2. It accepts a value from a peer only if, before the request, that peer knew every change of the key
//    that this process knew. So 1 remains true wherever values come from: gets, peeks, hedged requests,
//    mirrors, handoff.
// 3. A change resolves once every process on the list knows it.
//
// docs/consistency.md has the full argument and the bounds.

/** Exchanges changes: tells peers those of this process, and applies those of peers. */
export class ChangeExchange {
  /** Whoever makes a change waits for its turn. */
  readonly turns: ChangeTurns;
  readonly #options: ChangeExchangeOptions;
  readonly #log: ChangeLog;
  readonly #marks: Marks;
  readonly #knowledge: PeerKnowledge<Peer>;
  readonly #open: OpenChanges;
  /** A digest of the list of peers. */
  #list: string;
  /** The peers that this process, which is new, has yet to ask for the changes that they know. */
  #toAsk: Peer[] = [];
  #asking: Promise<void> | undefined;
  readonly #listed = new WeakSet<Peer>();
  #bornAtMs: number | undefined;
  #announcedTime = 0;
  #announcing: unknown;
  #isClosed = false;

  constructor(options: ChangeExchangeOptions) {
    const { peers, clock } = options;
    this.#options = options;
    this.#log = new ChangeLog(options);
    this.turns = new ChangeTurns(this.#log.maxChanges);
    this.#marks = new Marks(this.#log, options.origin);
    this.#open = new OpenChanges(this.#log);
    this.#list = digestOf(peers.urls);
    this.#knowledge = new PeerKnowledge({
      log: this.#log,
      gaps: new Gaps({ origin: options.origin, log: this.#log }),
      clock,
      listed: () => peers.others(),
      admits: (peer) => peer.health.admits(),
      tell: async (peer, missed) => {
        await this.#send(peer, this.#updateOf(missed));
      },
    });
  }

  /** Records a new list of peers. */
  listChanged(): void {
    const { peers, clock } = this.#options;
    this.#list = digestOf(peers.urls);
    this.#knowledge.listChanged();
    const listed = peers.others();
    const nowMs = clock.now();
    if (listed.length > 0) this.#bornAtMs ??= nowMs;
    const isYoung = this.#bornAtMs !== undefined && nowMs - this.#bornAtMs < YOUTH_MS;
    this.#toAsk = listed.filter((peer) =>
      this.#toAsk.includes(peer) || isYoung && !this.#listed.has(peer)
    );
    for (const peer of listed) this.#listed.add(peer);
  }

  /** Records which process is at a peer's URL, by its instance id. */
  met(peer: Peer, instance: string): void {
    peer.instance = instance;
    this.#knowledge.met(peer, instance);
  }

  /**
   * Ensures that a peer knows every change of a key that this process knows. Returns undefined if it
   * already does. Await this before accepting a value from the peer.
   *
   * @throws {GroupCacheError} Rejects with code `peer-failed` if the peer cannot be told.
   */
  catchUp(peer: Peer, group: string, key: string): Promise<void> | undefined {
    if (this.#toAsk.length === 0) return this.#knowledge.catchUp(peer, group, key);
    return this.#askAll().then(() => this.#knowledge.catchUp(peer, group, key));
  }

  /**
   * Asks peers which changes they know, and waits for those that answer within a second. A process
   * that has just started knows none: it would accept an old value from a peer that has missed the
   * change as well.
   */
  #askAll(): Promise<void> {
    if (this.#asking !== undefined) return this.#asking;
    const asked = this.#toAsk;
    const work = () => Promise.all(asked.map((peer) => this.#ask(peer).catch(() => {})));
    const { clock } = this.#options;
    this.#asking = withDeadline<unknown>(work, { clock, ms: ASK_MS, onLate: () => {} }).then(() => {
      this.#toAsk = this.#toAsk.filter((peer) => !asked.includes(peer));
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #ask(peer: Peer): Promise<void> {
    let instance: string | undefined;
    let restarts = 0;
    let asksAfter: number | undefined = 0;
    while (asksAfter !== undefined) {
      const theirs: ChangeUpdate | undefined = await this.#send(peer, {
        ...this.update,
        asksAfter,
      });
      const { through = 0, hasMore = false } = theirs ?? {};
      // Another process that has started there meanwhile has a log of its own.
      const isOther = asksAfter > 0 && peer.instance !== instance;
      if (isOther && restarts++ < MAX_RESTARTS) asksAfter = 0;
      else asksAfter = hasMore && through > asksAfter ? through : undefined;
      instance = peer.instance;
    }
  }

  /**
   * Returns what to reply to an update.
   *
   * @param from The process that sent it.
   */
  answer(
    { asksAfter, asksAgain }: ChangeUpdate,
    from: Pick<Hello, "self" | "instance">,
  ): ChangeUpdate {
    if (asksAgain) return this.#updateOf(this.#knowledge.owed(from.self));
    if (asksAfter === undefined) return this.update;
    // It cannot be told all by name if it has just begun to ask, or too slowly.
    const hasAll = asksAfter > 0 && asksAfter >= this.#log.start || this.#knowledge.isSafe(from);
    const reset = hasAll ? undefined : this.#knowledge.reset;
    return { ...this.update, reset, ...this.#knowledge.pageAfter(asksAfter) };
  }

  /** Begins a change of this process, and drops the key here. */
  begin(group: string, key: string): LoggedChange {
    const stamp = this.#log.next();
    const change = this.#log.add({ group, key, stamp }, { list: this.#list });
    this.#open.add(change);
    this.#options.forget(group, key);
    this.#added();
    return change;
  }

  /**
   * Returns what a process is told about a change of this process.
   *
   * @param to The peer; undefined for this process itself.
   */
  noteOf({ stamp, knownBy }: LoggedChange, to: Peer | undefined): ChangeNote {
    const mark = this.#markOf(knownBy ?? to?.url);
    return { stamp, list: this.#list, settledTime: this.#settledTime(), knownBy, mark };
  }

  #markOf(url: string | undefined): string {
    const { peers } = this.#options;
    if (url === undefined || url === peers.self) return this.mark;
    return peers.find(url)?.mark ?? NO_MARK;
  }

  /** Records that all peers on the list know a change of this process. */
  settled(change: LoggedChange): void {
    change.isSettled = true;
    this.#open.delete(change);
    this.#log.settle(change.stamp.origin, this.#settledTime(), this.#list);
    this.#announceSoon();
  }

  /**
   * Restamps a change of this process, because a peer knows a later one.
   *
   * @param time The latest time that the peer knows.
   */
  superseded(change: LoggedChange, time: number): void {
    change.isSettled = true;
    this.#open.delete(change);
    this.#log.witness(time);
  }

  /** Drops a key that a peer has changed. */
  receive(group: string, key: string, note: ChangeNote): void {
    const change = { group, key, stamp: note.stamp };
    if (this.#isNew(change)) this.#learn(change, note);
    this.#settle(note.stamp.origin, note);
    this.#keepMark(note);
  }

  /** A peer that changed the key after its owner was told knows no less than this process. */
  #keepMark({ knownBy, mark }: ChangeNote): void {
    if (knownBy === undefined || mark === undefined || mark === NO_MARK) return;
    const peer = this.#options.peers.find(knownBy);
    if (peer !== undefined) peer.mark = mark;
  }

  /**
   * Decides whether to store a value that a peer sets: `yes`; `no` if it was stored before, because the
   * message is a duplicate; or `stale` if a change of the key is known that may have been called after the
   * call of `set` had ended, so that the peer must retry if it has not.
   */
  receiveValue(group: string, key: string, note: ChangeNote): "yes" | "no" | "stale" {
    const change = { group, key, stamp: note.stamp };
    // The change may already be known without its value: its process told a peer before asking it.
    const known = this.#log.find(change);
    if (known?.hasArrived) return "no";
    const isCovered = note.mark === undefined || this.#marks.covers(note.mark, change);
    if (!isCovered || !this.#isLatest(change)) {
      // So that a retry is stamped later, and the time in the reply is not 0, which says that it was stored.
      this.#log.witness(note.stamp.time);
      return "stale";
    }
    const logged = known ?? this.#learn(change, note);
    logged.hasArrived = true;
    this.#settle(note.stamp.origin, note);
    return "yes";
  }

  /**
   * Whether a change has a later stamp than all others of its key. Another process may have stored the value
   * before, and the next one after it: hearing of the first one again, that process would not drop the next.
   */
  #isLatest(change: Change): boolean {
    const latest = this.#log.latest(change.group, change.key);
    if (latest !== undefined && compareStamps(latest.stamp, change.stamp) > 0) return false;
    // One may have been known that the log has forgotten.
    return this.#log.find(change) !== undefined || change.stamp.time > this.#log.forgottenTime;
  }

  /** Drops a key that a process without stamps, such as a Go process, has changed. */
  receiveUnstamped(group: string, key: string): void {
    this.#learn({ group, key, stamp: this.#log.next() });
  }

  /** The latest known time. */
  get time(): number {
    return this.#log.time;
  }

  /** How much this process has heard of. */
  get mark(): string {
    return this.#marks.current;
  }

  /** Whether a time may be taken from anybody: counting on from there is no harm. */
  isPlausible(time: number): boolean {
    return time <= this.#log.time + MAX_LEAD;
  }

  /** Applies what a peer tells about the changes that it knows. */
  receiveUpdate(origin: string, update: ChangeUpdate): void {
    const { time, reset } = update;
    if (reset !== undefined && this.#knowledge.learnGaps(origin, reset)) {
      this.#options.forgetAll();
      this.#marks.renew();
    }
    this.#knowledge.learn(origin, update, (change) => {
      if (this.#isNew(change)) this.#learn(change);
    });
    this.#log.witness(time);
    this.#settle(origin, update);
  }

  /** No process can say of changes that it has yet to make that they are known. */
  #settle(origin: string, { settledTime, list }: { settledTime: number; list: string }): void {
    this.#log.settle(origin, Math.min(settledTime, this.#log.time), list);
  }

  /** The part of a hello about changes, if there are none to tell. */
  get update(): ChangeUpdate {
    return this.#updateOf({ changes: [] });
  }

  /** Stops telling peers. */
  close(): void {
    this.#isClosed = true;
    this.#options.clock.clearTimeout(this.#announcing);
    this.#knowledge.close();
  }

  /**
   * Whether a change was not known before. If those that were forgotten counted as new, processes that know
   * more than their logs hold would tell each other of the same ones over and over.
   */
  #isNew(change: Change): boolean {
    return this.#log.find(change) === undefined && !this.#log.hasForgotten(change);
  }

  #learn(change: Change, note?: ChangeNote): LoggedChange {
    const logged = this.#log.add(change, {
      list: note?.list === this.#list ? this.#list : undefined,
      knownBy: note?.knownBy,
    });
    this.#options.forget(change.group, change.key);
    this.#added();
    return logged;
  }

  #added(): void {
    this.#knowledge.changesAdded();
  }

  #updateOf({ changes, reset }: MissedChanges): ChangeUpdate {
    return {
      time: this.#log.time,
      list: this.#list,
      settledTime: this.#settledTime(),
      mark: this.mark,
      reset,
      changes,
    };
  }

  #send(peer: Peer, update: ChangeUpdate): Promise<ChangeUpdate | undefined> {
    return this.#options.send(peer, update);
  }

  /**
   * The time up to which all peers know this process's own changes. A peer that came back onto the list may
   * lack some that settled without it: until it has been told them, nothing is said of this list.
   */
  #settledTime(): number {
    return this.#knowledge.areCaughtUp ? this.#open.settledTime : 0;
  }

  /** Announces settled changes: otherwise peers would tell each other about them before requests. */
  #announceSoon(): void {
    const { clock, peers } = this.#options;
    if (this.#announcing !== undefined || this.#isClosed || peers.others().length === 0) return;
    this.#announcing = clock.setTimeout(() => {
      this.#announcing = undefined;
      const time = this.#settledTime();
      if (time <= this.#announcedTime) return;
      this.#announcedTime = time;
      for (const peer of peers.others()) {
        if (peer.health.admits()) this.#send(peer, this.update).catch(() => {});
      }
    }, ANNOUNCE_MS);
    clock.unrefTimer?.(this.#announcing);
  }
}

/** Options for {@linkcode ChangeExchange}. */
export interface ChangeExchangeOptions extends ChangeLogOptions {
  peers: PeerSet;
  clock: Clock;
  /** Drops the values of a key that this process holds, and forgets those in flight. */
  forget: (group: string, key: string) => void;
  /** Drops all values that this process holds, and forgets those in flight. */
  forgetAll: () => void;
  /** Sends an update to a peer, and returns the peer's own. Rejects if the peer does not reply. */
  send: (peer: Peer, update: ChangeUpdate) => Promise<ChangeUpdate | undefined>;
}

/** Computes a digest of a list of peers, regardless of order. */
function digestOf(urls: readonly string[]): string {
  return fnv1a(new TextEncoder().encode([...urls].sort().join("\n"))).toString(36);
}
