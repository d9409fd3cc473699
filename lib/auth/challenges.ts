import type { Clock } from "../timing/clock.ts";
import { nonce } from "./signing_key.ts";

/** How long a challenge is given out, in milliseconds; for as long again it is accepted. */
export const CHALLENGE_MS = 300_000;

/**
 * What a receiver wants to see signed. It makes proofs die with this run of the process, and after 5 to
 * 10 minutes: by its own clock, so none need agree with another's.
 */
export class Challenges<State> {
  #clock: Clock;
  #newState: () => State;
  #current: { text: string; state: State; sinceMs: number };
  #previous: { text: string; state: State } | undefined;

  /** @param newState Makes what is kept for each challenge as long as that is accepted. */
  constructor(clock: Clock, newState: () => State) {
    this.#clock = clock;
    this.#newState = newState;
    this.#current = { text: nonce(), state: newState(), sinceMs: clock.now() };
  }

  /** The challenge to give out. */
  get current(): string {
    this.#rotate();
    return this.#current.text;
  }

  /** What is kept for a challenge; undefined if it is none that is accepted. */
  stateOf(text: string): State | undefined {
    this.#rotate();
    if (text === this.#current.text) return this.#current.state;
    return text === this.#previous?.text ? this.#previous.state : undefined;
  }

  #rotate(): void {
    const nowMs = this.#clock.now();
    const ageMs = nowMs - this.#current.sinceMs;
    // Negative after the clock was set back.
    if (ageMs >= 0 && ageMs < CHALLENGE_MS) return;
    this.#previous = ageMs < 2 * CHALLENGE_MS ? this.#current : undefined;
    this.#current = { text: nonce(), state: this.#newState(), sinceMs: nowMs };
  }
}
