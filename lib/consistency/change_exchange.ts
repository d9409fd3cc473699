import type { Peer } from "../peer/peer.ts";
import type { PeerSet } from "../peer/peer_set.ts";
import { fnv1a } from "../placement/fnv.ts";
import type { Clock } from "../timing/clock.ts";
import type { ChangeNote } from "../wire/change_note.ts";
import type { ChangeUpdate } from "../wire/change_update.ts";
import { type Change, compareStamps } from "../wire/change.ts";
import { ChangeLog, type ChangeLogOptions, type LoggedChange } from "./change_log.ts";
import { PeerKnowledge } from "./peer_knowledge.ts";

/** Options for {@linkcode ChangeExchange}. */
export interface ChangeExchangeOptions extends ChangeLogOptions {
  peers: PeerSet;
  clock: Clock;
  /** Drops what this process holds of a key, or has on its way. */
  forget: (group: string, key: string) => void;
  /** Drops everything that this process holds, or has on its way. */
  forgetAll: () => void;
  /** Sends an update to a peer. Rejects if the peer did not answer. */
  send: (peer: Peer, update: ChangeUpdate) => Promise<void>;
}

/** A process that made no change for this long says which of its changes are settled. */
const ANNOUNCE_MS = 500;

// Why no old value comes back:
//
// 1. Whatever a process holds of a key is newer than every change of it that the process knows of:
//    it drops what it holds, and forgets what is on its way, when it hears of a change.
// 2. It accepts a value from a peer only if that peer knew, before it was asked, of every change of
//    the key that this process knew of. So 1 stays true wherever values come from: gets, peeks,
//    second requests, mirrors, handoff.
// 3. A change resolves once every process on the list knows of it.
//
// The full argument, and what bounds all this, is in docs/consistency.md.

/** Makes changes known: those of this process to its peers, and those of peers to this process. */
export class ChangeExchange {
  readonly #options: ChangeExchangeOptions;
  readonly #log: ChangeLog;
  readonly #knowledge: PeerKnowledge<Peer>;
  /** This process's own changes that not all peers know of, by time, the earliest first. */
  readonly #open = new Map<number, LoggedChange>();
  /** A digest of the list of peers. */
  #list: string;
  #announcedTime = 0;
  #announcing: unknown;
  #isClosed = false;

  constructor(options: ChangeExchangeOptions) {
    const { peers, clock } = options;
    this.#options = options;
    this.#log = new ChangeLog(options);
    this.#list = digestOf(peers.urls);
    this.#knowledge = new PeerKnowledge({
      log: this.#log,
      clock,
      listed: () => peers.others(),
      admits: (peer) => peer.health.admits(),
      tell: (peer, { changes, isReset }) => this.#send(peer, changes, isReset),
    });
  }

  /** Records a new list of peers. */
  listChanged(): void {
    this.#list = digestOf(this.#options.peers.urls);
    this.#knowledge.listChanged();
  }

  /**
   * Makes sure that a peer knows of every change of a key that this process knows of; undefined if
   * it does already. To be awaited before a value is accepted from the peer.
   *
   * @throws {GroupCacheError} Rejects with code `peer-failed` if the peer cannot be told.
   */
  catchUp(peer: Peer, group: string, key: string): Promise<void> | undefined {
    return this.#knowledge.catchUp(peer, group, key);
  }

  /** Begins a change of this process, which drops what it holds. */
  begin(group: string, key: string): LoggedChange {
    const stamp = this.#log.next();
    const change = this.#log.add({ group, key, stamp }, { list: this.#list });
    this.#open.set(stamp.time, change);
    this.#options.forget(group, key);
    this.#added();
    return change;
  }

  /** What peers are told of a change of this process. */
  noteOf({ stamp, knownBy }: LoggedChange): ChangeNote {
    return { stamp, list: this.#list, settledTime: this.#settledTime(), knownBy };
  }

  /** Records that all peers on the list know of a change of this process. */
  settled(change: LoggedChange): void {
    change.isSettled = true;
    this.#open.delete(change.stamp.time);
    this.#log.settle(change.stamp.origin, this.#settledTime(), this.#list);
    this.#announceSoon();
  }

  /**
   * Records that a change of this process is made with a later stamp instead, because a peer knows of
   * one that came after it.
   *
   * @param time The latest that the peer had heard of.
   */
  superseded(change: LoggedChange, time: number): void {
    change.isSettled = true;
    this.#open.delete(change.stamp.time);
    this.#log.witness(time);
  }

  /** Drops what a peer has changed. */
  receive(group: string, key: string, note: ChangeNote): void {
    const change = { group, key, stamp: note.stamp };
    if (this.#log.find(change) === undefined) this.#learn(change, note);
    this.#log.settle(note.stamp.origin, note.settledTime, note.list);
  }

  /**
   * Whether a value that a peer sets is to be stored: `yes`; `no` if it came before, as a copy of the
   * message does; or `stale` if a later change of the key is known, so that the peer has to try again
   * with a later stamp.
   */
  receiveValue(group: string, key: string, note: ChangeNote): "yes" | "no" | "stale" {
    const change = { group, key, stamp: note.stamp };
    const latest = this.#log.latest(group, key);
    const isStale = latest !== undefined && compareStamps(latest.stamp, note.stamp) > 0;
    // It may have been heard of without its value: whoever made it told a peer before it was asked.
    const known = this.#log.find(change);
    if (known?.hasArrived) return "no";
    if (isStale) return "stale";
    const logged = known ?? this.#learn(change, note);
    logged.hasArrived = true;
    this.#log.settle(note.stamp.origin, note.settledTime, note.list);
    return "yes";
  }

  /** Drops what a process has changed that knows no stamps, as Go's. */
  receiveUnstamped(group: string, key: string): void {
    this.#learn({ group, key, stamp: this.#log.next() });
  }

  /** The latest time heard of. */
  get time(): number {
    return this.#log.time;
  }

  /** Takes in what a peer says of the changes that it knows of. */
  receiveUpdate(origin: string, update: ChangeUpdate): void {
    const { time, settledTime, list, isReset, changes } = update;
    if (isReset) this.#options.forgetAll();
    for (const change of changes) {
      if (this.#log.find(change) === undefined) this.#learn(change);
    }
    this.#log.witness(time);
    this.#log.settle(origin, settledTime, list);
  }

  /** What a hello says of changes that has none to tell of. */
  get update(): ChangeUpdate {
    return this.#updateOf([], false);
  }

  /** Tells nobody any more. */
  close(): void {
    this.#isClosed = true;
    this.#options.clock.clearTimeout(this.#announcing);
    this.#knowledge.close();
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

  #updateOf(changes: readonly Change[], isReset: boolean): ChangeUpdate {
    return {
      time: this.#log.time,
      list: this.#list,
      settledTime: this.#settledTime(),
      isReset,
      changes,
    };
  }

  async #send(peer: Peer, changes: readonly Change[], isReset: boolean): Promise<void> {
    await this.#options.send(peer, this.#updateOf(changes, isReset));
  }

  /** The time up to which all peers know this process's own changes. */
  #settledTime(): number {
    for (const [time, change] of this.#open) {
      if (!this.#log.isSettled(change)) return time - 1;
      this.#open.delete(time);
    }
    return this.#log.time;
  }

  /** Peers would have to tell each other of changes that they do not know to be settled. */
  #announceSoon(): void {
    if (this.#announcing !== undefined || this.#isClosed) return;
    const { clock, peers } = this.#options;
    this.#announcing = clock.setTimeout(() => {
      this.#announcing = undefined;
      const time = this.#settledTime();
      if (time <= this.#announcedTime) return;
      this.#announcedTime = time;
      for (const peer of peers.others()) {
        if (peer.health.admits()) this.#send(peer, [], false).catch(() => {});
      }
    }, ANNOUNCE_MS);
    clock.unrefTimer?.(this.#announcing);
  }
}

/** The same for the same peers, in whatever order. */
function digestOf(urls: readonly string[]): string {
  return fnv1a(new TextEncoder().encode([...urls].sort().join("\n"))).toString(36);
}
