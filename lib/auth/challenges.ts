import type { Clock } from "../timing/clock.ts";
import { nonce } from "./signing_key.ts";

/** How long a challenge is issued, in milliseconds. It is accepted for twice that time. */
export const CHALLENGE_MS = 300_000;

/**
 * The challenges that clients of this process must sign. Proofs thus expire with this run of the process
 * and after 5 to 10 minutes, by the receiver's own clock, so clocks need not agree.
 */
export class Challenges<State> {
  #clock: Clock;
  #newState: () => State;
  #current: { text: string; state: State; sinceMs: number };
  #previous: { text: string; state: State } | undefined;

  /** @param newState Creates the state kept for each challenge while it is accepted. */
  constructor(clock: Clock, newState: () => State) {
    this.#clock = clock;
    this.#newState = newState;
    this.#current = { text: nonce(), state: newState(), sinceMs: clock.now() };
  }

  /** The challenge to issue. */
  get current(): string {
    this.#rotate();
    return this.#current.text;
  }

  /** Returns the state of a challenge, or undefined if it is not accepted. */
  stateOf(text: string): State | undefined {
    this.#rotate();
    if (text === this.#current.text) return this.#current.state;
    return text === this.#previous?.text ? this.#previous.state : undefined;
  }

  #rotate(): void {
    const nowMs = this.#clock.now();
    const ageMs = nowMs - this.#current.sinceMs;
    // Negative if the clock was set back.
    if (ageMs >= 0 && ageMs < CHALLENGE_MS) return;
    this.#previous = ageMs < 2 * CHALLENGE_MS ? this.#current : undefined;
    this.#current = { text: nonce(), state: this.#newState(), sinceMs: nowMs };
  }
}
