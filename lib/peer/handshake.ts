import type { Clock } from "../timing/clock.ts";
import { withDeadline } from "../timing/deadline.ts";
import { GroupCacheError } from "../errors.ts";
import type { PeerMismatchEvent } from "../events.ts";
import type { ChangeUpdate, Reset } from "../wire/change_update.ts";
import type { Hello } from "../wire/hello.ts";
import { Mismatches } from "./mismatches.ts";
import type { Peer } from "./peer.ts";
import type { PeerSet } from "./peer_set.ts";

/**
 * A hello that is not answered within this is taken for lost. A peer that was given up may be silent
 * for longer, but waiting for that would delay the next probe.
 */
const HELLO_MS = 3000;

/** The part of hellos about changes. */
export interface ChangeReports {
  /** The part of a hello without changes. */
  readonly update: ChangeUpdate;
  /** Records which process is at a peer's URL, by its instance id. */
  met(peer: Peer, instance: string): void;
  /**
   * Returns what to reply to an update.
   *
   * @param from The process that sent it.
   */
  answer(update: ChangeUpdate, from: Pick<Hello, "self" | "instance">): ChangeUpdate;
  /** Whether a time may be taken from anybody. */
  isPlausible(time: number): boolean;
  /** Applies what the process with an instance id tells. */
  receiveUpdate(origin: string, update: ChangeUpdate): void;
}

/**
 * Exchanges hellos with peers. From them a process learns which peers have restarted, are leaving, or
 * had given this process up, and where two processes have conflicting configurations.
 */
export class Handshake {
  #options: HandshakeOptions;
  #mismatches: Mismatches;
  /** The last known run of each peer. A peer that leaves the list is forgotten. */
  #instances = new WeakMap<Peer, string>();
  /** The peers being asked to confirm a claim about them, with one request each at a time. */
  #asking = new WeakMap<Peer, Promise<Hello | undefined>>();

  constructor(options: HandshakeOptions) {
    this.#options = options;
    this.#mismatches = new Mismatches(options);
  }

  /**
   * Says hello to a peer. Resolves to whether the peer can be asked for values; never rejects.
   *
   * @param options `hadGivenUp`: whether the peer was taken for dead until now.
   */
  async greet(peer: Peer, { hadGivenUp }: { hadGivenUp: boolean }): Promise<boolean> {
    try {
      const theirs = await this.#exchange(peer, this.#hello({ hadGivenUp }));
      // A Go peer, which answers, but knows no hellos.
      if (theirs === undefined) return true;
      this.#mismatches.compare(peer.url, theirs, this.#hello());
      if (hadGivenUp) this.#options.peers.reunited();
      return this.#meet(peer, theirs);
    } catch {
      return false;
    }
  }

  /**
   * Tells a peer of changes, and returns what it says of changes itself.
   *
   * @throws {GroupCacheError} With code `peer-failed` if it does not answer.
   */
  async tell(peer: Peer, update: ChangeUpdate): Promise<ChangeUpdate | undefined> {
    // A probe is answered at once. All of a process's hellos that tell of changes can be.
    const theirs = await this.#exchange(peer, {
      ...this.#hello(),
      changes: update,
      isProbe: true,
    });
    if (theirs !== undefined) this.#meet(peer, theirs);
    return theirs?.changes;
  }

  /** Sends a hello and returns the peer's own; undefined if it is a Go peer. */
  async #exchange(peer: Peer, hello: Hello): Promise<Hello | undefined> {
    const { clock, changes, closing } = this.#options;
    const theirs = await withDeadline((signal) => peer.hello(hello, { signal }), {
      clock,
      signal: closing,
      ms: HELLO_MS,
      onLate: () => {
        throw new GroupCacheError(
          "peer-failed",
          `Cannot greet peer ${peer.url}: no answer within ${HELLO_MS} ms`,
        );
      },
    });
    if (theirs === undefined) return undefined;
    changes.met(peer, theirs.instance);
    if (theirs.changes !== undefined) changes.receiveUpdate(theirs.instance, theirs.changes);
    return theirs;
  }

  /**
   * Answers a hello. Any client can send one: its claims about a peer are trusted if the sender is
   * authenticated; otherwise they are only a reason to ask the peer at its own URL.
   */
  async answer(theirs: Hello, { isProved }: { isProved: boolean }): Promise<Hello> {
    const { instanceId, peers, changes } = this.#options;
    // This process reached itself under another name. `greet` finds that out from the answer.
    if (theirs.instance === instanceId) return this.#hello();
    const peer = peers.find(theirs.self);
    if (!theirs.isLeaving) this.introduced(theirs.self, theirs.instance);
    if (peer !== undefined && isProved) changes.met(peer, theirs.instance);
    if (theirs.changes !== undefined) {
      if (isProved) changes.receiveUpdate(theirs.instance, theirs.changes);
      else await this.#receiveClaim(theirs, theirs.changes, peer);
    }
    this.#mismatches.compare(theirs.self, theirs, this.#hello());
    if (peer !== undefined && isProved) {
      if (theirs.hadGivenUp) peers.reunited();
      this.#meet(peer, theirs);
    } else if (peer !== undefined && !theirs.isProbe && isNews(peer, theirs)) {
      const isThere = await this.#ask(peer) !== undefined;
      if (isThere && theirs.hadGivenUp) peers.reunited();
    }
    const hello = this.#hello();
    if (theirs.changes === undefined) return hello;
    return { ...hello, changes: changes.answer(theirs.changes, theirs) };
  }

  /** Returns the URLs of the peers that have left, unless the process with an instance id was there. */
  *awaitedFrom(instance: string): Iterable<string> {
    for (const peer of this.#options.peers.others()) {
      if (peer.health.servesNobody && this.#instances.get(peer) !== instance) yield peer.url;
    }
  }

  /**
   * Records that somebody said that a process with an instance id is at a peer's URL. Whether or not it can
   * be asked to confirm that: a change must not resolve without the new process.
   */
  introduced(url: string, instance: string): void {
    const peer = this.#options.peers.find(url);
    if (peer !== undefined && this.#instances.get(peer) !== instance) peer.health.mayBeBack();
  }

  /**
   * Applies what anybody may have said about changes. Forged changes cost no more than the loads of
   * their keys. A reset or a time far ahead is taken only from the peer itself, at its own URL.
   *
   * @throws {GroupCacheError} With code `peer-failed` if it does not confirm what it seems to have told.
   */
  async #receiveClaim(
    { instance }: Hello,
    claim: ChangeUpdate,
    peer: Peer | undefined,
  ): Promise<void> {
    const { changes, onUnconfirmed } = this.#options;
    const isReset = claim.reset !== undefined;
    const time = claim.changes.reduce((time, { stamp }) => Math.max(time, stamp.time), claim.time);
    const said = isReset && peer !== undefined ? await this.#ask(peer) : undefined;
    const isConfirmed = claim.reset === undefined || covers(said?.changes?.reset, claim.reset);
    if (isConfirmed && await this.#isTime(time, peer === undefined ? [] : [peer])) {
      // A stranger must not have this process take a peer for one that knows a change.
      return changes.receiveUpdate(instance, { ...claim, reset: undefined, known: undefined });
    }
    onUnconfirmed();
    // A sender that tells nothing does not count on having been heard.
    if (isReset || claim.changes.length > 0) throw unconfirmed();
  }

  /**
   * Confirms the time of a change that anybody may have sent. Returns undefined if it may be taken from
   * anybody. Otherwise the process that made the change is asked, or, if that is unknown, all peers.
   *
   * @param origin The instance id of the process.
   * @throws {GroupCacheError} Rejects with code `peer-failed` if no peer has heard of such a time.
   */
  confirmTime(time: number, origin: string): Promise<void> | undefined {
    const { changes, peers, onUnconfirmed } = this.#options;
    if (changes.isPlausible(time)) return undefined;
    const others = peers.others();
    const known = others.filter((peer) => this.#instances.get(peer) === origin);
    return this.#isTime(time, known.length > 0 ? known : others).then((isTime) => {
      if (isTime) return;
      onUnconfirmed();
      throw unconfirmed();
    });
  }

  /** Whether a time is plausible, if need be after asking peers for theirs. */
  async #isTime(time: number, askable: readonly Peer[]): Promise<boolean> {
    const { changes } = this.#options;
    if (changes.isPlausible(time)) return true;
    const asked = askable.map(async (peer) => {
      await this.#ask(peer);
      if (!changes.isPlausible(time)) throw unconfirmed();
    });
    return await Promise.any(asked).then(() => true, () => false);
  }

  /** Whether a peer has said that it is leaving. */
  async isLeaving(peer: Peer): Promise<boolean> {
    if (!peer.health.isLeaving) await this.#ask(peer);
    return peer.health.isLeaving;
  }

  /**
   * Asks a peer to confirm a claim about it, and has it say again what it has to tell of changes.
   * Resolves to its hello, or to undefined if it does not reply.
   */
  async #ask(peer: Peer): Promise<Hello | undefined> {
    let asking = this.#asking.get(peer);
    if (asking === undefined) {
      const hello = this.#hello();
      const changes = { ...this.#options.changes.update, asksAgain: true };
      // A probe is answered at once, so that two processes never wait for each other.
      asking = this.#exchange(peer, { ...hello, changes, isProbe: true })
        .then((theirs) => {
          if (theirs !== undefined) this.#meet(peer, theirs);
          return theirs;
        }, () => undefined)
        .finally(() => this.#asking.delete(peer));
      this.#asking.set(peer, asking);
    }
    return await asking;
  }

  /** The current disagreements with a peer, in words. */
  mismatchesWith(url: string): string[] {
    return this.#mismatches.of(url);
  }

  /** Records what a peer says of itself. Returns whether it can be asked for values. */
  #meet(peer: Peer, { instance, isLeaving, changes }: Hello): boolean {
    peer.mark = changes?.mark ?? peer.mark;
    const isNew = this.#instances.get(peer) !== instance;
    this.#instances.set(peer, instance);
    if (isLeaving) peer.health.leaving();
    else peer.health.here({ isNew });
    return !isLeaving;
  }

  #hello({ hadGivenUp } = { hadGivenUp: false }): Hello {
    const { instanceId, placement, peers, changes } = this.#options;
    return {
      instance: instanceId,
      self: peers.self ?? "",
      peers: peers.urls,
      placement,
      isLeaving: peers.isLeaving,
      hadGivenUp,
      changes: changes.update,
    };
  }
}

/** Options for {@linkcode Handshake}. */
export interface HandshakeOptions {
  /** Identifies this run of the process. */
  instanceId: string;
  /** The name of the placement in use. */
  placement: string;
  peers: PeerSet;
  clock: Clock;
  /** Aborts when the cache is closed. */
  closing: AbortSignal;
  changes: ChangeReports;
  /** Reports an event to operators. */
  report: (event: PeerMismatchEvent) => void;
  /** Called for each message in a peer's name that the peer does not confirm. */
  onUnconfirmed: () => void;
}

/**
 * Whether a reset is for all gaps of another one. What a peer said a moment ago may be for smaller ones, and
 * not tell of changes that it has forgotten since.
 */
function covers(said: Reset | undefined, { gaps }: Reset): boolean {
  return gaps.every(({ origin, size }) =>
    said?.gaps.some((gap) => gap.origin === origin && gap.size >= size)
  );
}

function unconfirmed(): GroupCacheError {
  return new GroupCacheError(
    "peer-failed",
    "Cannot accept the changes: no peer confirms that it has told of them",
  );
}

/** Whether a hello says of a peer what this process does not know. */
function isNews({ health }: Peer, { isLeaving, hadGivenUp }: Hello): boolean {
  return hadGivenUp || health.isOpen || health.isGone || isLeaving !== health.isLeaving;
}
