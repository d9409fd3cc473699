import type { Clock } from "../timing/clock.ts";
import { printable } from "../errors.ts";
import { PeerMismatchEvent, type PeerMismatchKind } from "../events.ts";
import type { Hello } from "../wire/hello.ts";

/** How long lists may differ while a change spreads. */
const CHANGE_MS = 60_000;

/** How many senders outside the list are remembered: a stranger may say hello under any name. */
const MAX_STRANGERS = 100;

/** Names and findings are cut to this many characters, because others chose them. */
const MAX_TEXT = 1000;

/** The state kept for a peer. */
interface Findings {
  /** What was reported, by kind. */
  readonly reported: Map<PeerMismatchKind, string>;
  /** The instance id in its last hello. */
  run?: string;
  /** The instance id before that. */
  runBefore?: string;
  /** Whether instance ids alternate: two processes share one URL. */
  isShared: boolean;
  /** Since when its list has differed, in Unix milliseconds. */
  differentSinceMs: number | undefined;
}

/**
 * Finds conflicts between what a peer says and what this process knows: with one, the two disagree
 * about who owns a key, and the key is loaded more than once. Each finding is reported once, and again
 * only if it had gone away in the meantime.
 */
export class Mismatches {
  #options: MismatchesOptions;
  /** By URL, the oldest first. */
  #findings = new Map<string, Findings>();

  constructor(options: MismatchesOptions) {
    this.#options = options;
  }

  /**
   * Compares the hello of a peer with that of this process, and reports what conflicts.
   *
   * @param url The peer's URL, as this process knows it.
   */
  compare(url: string, theirs: Hello, mine: Hello): void {
    url = shortened(url);
    const findings = this.#findingsOf(url, mine.peers);
    const isMe = theirs.instance === mine.instance;
    this.#report(
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
      ? "two processes use this URL"
      : "";
    this.#report(findings, "name", url, name);
    const placement = theirs.placement === mine.placement
      ? ""
      : `it places keys by ${theirs.placement}, this process by ${mine.placement}`;
    this.#report(findings, "placement", url, placement);
    this.#report(findings, "peers", url, this.#differenceForLong(findings, theirs, mine));
  }

  /** The current disagreements with a peer, in words. */
  of(url: string): string[] {
    return [...this.#findings.get(shortened(url))?.reported.values() ?? []];
  }

  /** What is remembered of a peer. The oldest stranger makes room for a new one. */
  #findingsOf(url: string, peers: readonly string[]): Findings {
    const known = this.#findings.get(url);
    if (known !== undefined) return known;
    const findings: Findings = {
      reported: new Map(),
      isShared: false,
      differentSinceMs: undefined,
    };
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
    // A process that is leaving is on its way out of the lists.
    if (!isDifferent || theirs.isLeaving || mine.isLeaving) return "";
    const now = this.#options.clock.now();
    findings.differentSinceMs ??= now;
    if (now - findings.differentSinceMs < CHANGE_MS) return "";
    return `its list of peers differs: it lacks ${onlyMine.join(", ") || "none"} and has ` +
      `${onlyTheirs.join(", ") || "none"} in addition`;
  }

  /** @param why The conflict; empty if there is none. */
  #report({ reported }: Findings, kind: PeerMismatchKind, peer: string, why: string): void {
    why = shortened(why);
    if (reported.get(kind) === why) return;
    if (why === "") {
      reported.delete(kind);
      return;
    }
    reported.set(kind, why);
    this.#options.report(new PeerMismatchEvent({ kind, peer, message: `${peer}: ${why}` }));
  }
}

/** Options for {@linkcode Mismatches}. */
export interface MismatchesOptions {
  clock: Clock;
  /** Reports an event to operators. */
  report: (event: PeerMismatchEvent) => void;
}

/** A restarted process has a new instance id, and the old one never comes back. */
function isShared(findings: Findings, instance: string): boolean {
  if (findings.run === instance) return findings.isShared;
  findings.isShared = findings.runBefore === instance;
  if (findings.run !== undefined) findings.runBefore = findings.run;
  findings.run = instance;
  return findings.isShared;
}

function shortened(text: string): string {
  text = printable(text);
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}

function without(list: readonly string[], other: readonly string[]): string[] {
  const others = new Set(other);
  return list.filter((url) => !others.has(url));
}
