import type { Clock } from "../timing/clock.ts";
import { PeerMismatchEvent, type PeerMismatchKind } from "../events.ts";
import type { Hello } from "../wire/hello.ts";

/** Lists may differ for so long while a change goes round. */
const CHANGE_MS = 60_000;

/** So many that are not in the list are remembered: anybody may say hello, and call itself anything. */
const MAX_STRANGERS = 100;

/** Peers' names, and what is found, are told in so many characters: they are what others say. */
const MAX_TEXT = 1000;

/** How a {@linkcode Mismatches} is made. */
export interface MismatchesOptions {
  clock: Clock;
  /** Tells operators. */
  report: (event: PeerMismatchEvent) => void;
}

/** What is remembered of a peer. */
interface Findings {
  /** What was told, by kind. */
  readonly told: Map<PeerMismatchKind, string>;
  /** The last run that it told of. */
  run?: string;
  /** The run before that. */
  runBefore?: string;
  /** Whether the last run had come back. */
  isShared: boolean;
  /** Since when its list has differed, in Unix milliseconds. */
  differentSinceMs: number | undefined;
}

/**
 * Finds where what a peer says does not go together with what this process believes: then they
 * disagree on who owns a key, and it is loaded more than once. Each finding is told once, and
 * again only when it had gone away meanwhile.
 */
export class Mismatches {
  #options: MismatchesOptions;
  /** By URL, those that were heard of first in front. */
  #findings = new Map<string, Findings>();

  constructor(options: MismatchesOptions) {
    this.#options = options;
  }

  /**
   * Compares.
   *
   * @param url The peer's URL, as this process knows it.
   */
  compare(url: string, theirs: Hello, mine: Hello): void {
    url = shortened(url);
    const findings = this.#of(url, mine.peers);
    const isMe = theirs.instance === mine.instance;
    this.#tell(
      findings,
      "self",
      url,
      isMe && url !== mine.self ? `it is this process, ${mine.self}` : "",
    );
    if (isMe) return;
    const name = theirs.self === mine.self
      ? `another process calls itself ${mine.self} too`
      : theirs.self !== url
      ? `it calls itself ${theirs.self}`
      : isShared(findings, shortened(theirs.instance))
      ? "two processes call themselves so"
      : "";
    this.#tell(findings, "name", url, name);
    const placement = theirs.placement === mine.placement
      ? ""
      : `it places keys by ${theirs.placement}, this process by ${mine.placement}`;
    this.#tell(findings, "placement", url, placement);
    this.#tell(findings, "peers", url, this.#differenceForLong(findings, theirs, mine));
  }

  /** What is remembered of a peer. Strangers make room for each other. */
  #of(url: string, peers: readonly string[]): Findings {
    const known = this.#findings.get(url);
    if (known !== undefined) return known;
    const findings: Findings = { told: new Map(), isShared: false, differentSinceMs: undefined };
    this.#findings.set(url, findings);
    if (this.#findings.size > peers.length + MAX_STRANGERS) {
      const isPeer = new Set(peers.map(shortened));
      for (const other of this.#findings.keys()) {
        if (isPeer.has(other)) continue;
        this.#findings.delete(other);
        break;
      }
    }
    return findings;
  }

  #differenceForLong(findings: Findings, theirs: Hello, mine: Hello): string {
    const onlyMine = without(mine.peers, theirs.peers);
    const onlyTheirs = without(theirs.peers, mine.peers);
    const isDifferent = onlyMine.length + onlyTheirs.length > 0;
    if (!isDifferent) findings.differentSinceMs = undefined;
    // One that is about to leave is on its way out of the lists.
    if (!isDifferent || theirs.isLeaving || mine.isLeaving) return "";
    const now = this.#options.clock.now();
    findings.differentSinceMs ??= now;
    if (now - findings.differentSinceMs < CHANGE_MS) return "";
    return `its list of peers lacks ${onlyMine.join(", ") || "none"} of this process's and has ` +
      `${onlyTheirs.join(", ") || "none"} beyond it`;
  }

  /** @param why What does not go together, or nothing. */
  #tell({ told }: Findings, kind: PeerMismatchKind, peer: string, why: string): void {
    why = shortened(why);
    if (told.get(kind) === why) return;
    if (why === "") {
      told.delete(kind);
      return;
    }
    told.set(kind, why);
    this.#options.report(new PeerMismatchEvent({ kind, peer, message: `${peer}: ${why}` }));
  }
}

/** A process that starts anew is another run, and the one before never comes back. */
function isShared(findings: Findings, instance: string): boolean {
  if (findings.run === instance) return findings.isShared;
  findings.isShared = findings.runBefore === instance;
  if (findings.run !== undefined) findings.runBefore = findings.run;
  findings.run = instance;
  return findings.isShared;
}

function shortened(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}

function without(list: readonly string[], other: readonly string[]): string[] {
  const others = new Set(other);
  return list.filter((url) => !others.has(url));
}
