import type { Clock } from "../timing/clock.ts";
import type { Peer } from "./peer.ts";

/** Ranks peers for a key, by their URLs: see `Placement.rank`. */
export type Rank = (key: string) => Iterable<string>;

/** More changes than these within `handoffMs` are not all remembered. */
const MAX_ERAS = 3;

const NONE: readonly Peer[] = [];

/** The time before a change. */
interface Era {
  readonly rank: Rank;
  readonly peers: ReadonlyMap<string, Peer>;
  /** Whether the list was the same, but this process and the others did not reach each other. */
  readonly wasAlone: boolean;
  /** When the era is forgotten, in Unix milliseconds. */
  readonly endMs: number;
}

/**
 * Who owned a key before something changed. For a while a previous owner may still have the value in
 * memory, and a peek at it is cheaper than a load.
 */
export class PreviousOwners {
  #clock: Clock;
  #handoffMs: number;
  /** The latest first. */
  #eras: Era[] = [];

  constructor({ clock, handoffMs }: PreviousOwnersOptions) {
    this.#clock = clock;
    this.#handoffMs = handoffMs;
  }

  /** Records who shared the keys until now. */
  remember(rank: Rank, peers: ReadonlyMap<string, Peer>): void {
    this.#add({ rank, peers, wasAlone: false });
  }

  /** Records that this process was alone until now, while `peers` shared the keys without it. */
  rememberAlone(rank: Rank, peers: ReadonlyMap<string, Peer>): void {
    // A process that is cut off again and again must not push out what happened before.
    this.#eras = this.#eras.filter(({ wasAlone }) => !wasAlone);
    this.#add({ rank, peers, wasAlone: true });
  }

  /** The previous owners of a key other than this process, the latest first. */
  of(key: string): readonly Peer[] {
    if (this.#eras.length === 0) return NONE;
    const nowMs = this.#clock.now();
    this.#eras = this.#eras.filter(({ endMs }) => endMs > nowMs);
    return this.#eras.flatMap(({ rank, peers }) => {
      const [owner] = rank(key);
      return (owner !== undefined && peers.get(owner)) || [];
    });
  }

  #add(era: Omit<Era, "endMs">): void {
    if (this.#handoffMs === 0) return;
    const endMs = this.#clock.now() + this.#handoffMs;
    this.#eras = [{ ...era, endMs }, ...this.#eras].slice(0, MAX_ERAS);
  }
}

/** Options for {@linkcode PreviousOwners}. */
export interface PreviousOwnersOptions {
  clock: Clock;
  /** How long after a change its previous owners are of interest, in milliseconds; 0 for never. */
  handoffMs: number;
}
