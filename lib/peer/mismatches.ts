import type { Clock } from "../clock.ts";
import { PeerMismatchEvent, type PeerMismatchKind } from "../events.ts";
import type { Hello } from "../wire/hello.ts";

/** Lists may differ for so long while a change goes round. */
const CHANGE_MS = 60_000;

/** How a {@linkcode Mismatches} is made. */
export interface MismatchesOptions {
  clock: Clock;
  /** Tells operators. */
  report: (event: PeerMismatchEvent) => void;
}

/**
 * Finds where what a peer says does not go together with what this process believes: then they
 * disagree on who owns a key, and it is loaded more than once. Each finding is told once, and
 * again only when it had gone away meanwhile.
 */
export class Mismatches {
  #options: MismatchesOptions;
  /** What was told, by peer and kind. */
  #told = new Map<string, string>();
  /** The runs that a peer told of, by its URL: the last one, the one before, and whether it came back. */
  #runs = new Map<string, { last: string; before?: string; isShared: boolean }>();
  /** Since when a peer's list has differed, in Unix milliseconds, by peer. */
  #differentSinceMs = new Map<string, number>();

  constructor(options: MismatchesOptions) {
    this.#options = options;
  }

  /**
   * Compares.
   *
   * @param url The peer's URL, as this process knows it.
   */
  compare(url: string, theirs: Hello, mine: Hello): void {
    const isMe = theirs.instance === mine.instance;
    this.#tell("self", url, isMe && url !== mine.self ? `it is this process, ${mine.self}` : "");
    if (isMe) return;
    const name = theirs.self === mine.self
      ? `another process calls itself ${mine.self} too`
      : theirs.self !== url
      ? `it calls itself ${theirs.self}`
      : this.#isShared(url, theirs.instance)
      ? "two processes call themselves so"
      : "";
    this.#tell("name", url, name);
    const placement = theirs.placement === mine.placement
      ? ""
      : `it places keys by ${theirs.placement}, this process by ${mine.placement}`;
    this.#tell("placement", url, placement);
    this.#tell("peers", url, this.#differenceForLong(url, theirs, mine));
  }

  /** A process that starts anew is another run, and the one before never comes back. */
  #isShared(url: string, instance: string): boolean {
    const runs = this.#runs.get(url);
    if (runs?.last === instance) return runs.isShared;
    const isShared = runs?.before === instance;
    this.#runs.set(url, { last: instance, isShared, ...(runs && { before: runs.last }) });
    return isShared;
  }

  #differenceForLong(url: string, theirs: Hello, mine: Hello): string {
    const onlyMine = without(mine.peers, theirs.peers);
    const onlyTheirs = without(theirs.peers, mine.peers);
    const isDifferent = onlyMine.length + onlyTheirs.length > 0;
    if (!isDifferent) this.#differentSinceMs.delete(url);
    // One that is about to leave is on its way out of the lists.
    if (!isDifferent || theirs.isLeaving || mine.isLeaving) return "";
    const now = this.#options.clock.now();
    const since = this.#differentSinceMs.get(url) ?? now;
    this.#differentSinceMs.set(url, since);
    if (now - since < CHANGE_MS) return "";
    return `its list of peers lacks ${onlyMine.join(", ") || "none"} of this process's and has ` +
      `${onlyTheirs.join(", ") || "none"} beyond it`;
  }

  /** @param why What does not go together, or nothing. */
  #tell(kind: PeerMismatchKind, peer: string, why: string): void {
    const id = `${kind} ${peer}`;
    if (this.#told.get(id) === why) return;
    if (why === "") {
      this.#told.delete(id);
      return;
    }
    this.#told.set(id, why);
    this.#options.report(new PeerMismatchEvent({ kind, peer, message: `${peer}: ${why}` }));
  }
}

function without(list: readonly string[], other: readonly string[]): string[] {
  const others = new Set(other);
  return list.filter((url) => !others.has(url));
}
