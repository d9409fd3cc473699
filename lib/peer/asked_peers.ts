import type { Peer } from "./peer.ts";

/**
 * Which peers a flight has asked, and when: mostly one, at the flight's start, for which the clock
 * need not be looked at again.
 */
export class AskedPeers {
  #startedAtMs: number;
  #stopwatch: () => number;
  #first: Peer | undefined;
  #laterAtMs: Map<Peer, number> | undefined;

  constructor(startedAtMs: number, stopwatch: () => number) {
    this.#startedAtMs = startedAtMs;
    this.#stopwatch = stopwatch;
  }

  /** Records that a peer is asked now. */
  add(peer: Peer): void {
    peer.health.traffic.calls++;
    if (this.#first === undefined) this.#first = peer;
    else (this.#laterAtMs ??= new Map()).set(peer, this.#stopwatch());
  }

  /** Records that a peer answered. Returns how long that took, in milliseconds. */
  answered(peer: Peer): number {
    const ms = this.#stopwatch() - (this.#laterAtMs?.get(peer) ?? this.#startedAtMs);
    peer.health.traffic.record(ms);
    return ms;
  }
}
