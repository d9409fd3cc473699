import { Refusals } from "../../../lib/auth/refusals.ts";
import { type Admission, Door } from "../../../lib/http/server/door.ts";
import type { Clock } from "../../../lib/timing/clock.ts";

/** A sender that has proved to be a peer. */
export const PEER: Admission = { isProved: true, digest: undefined, replyAuth: undefined };

/** A sender of which nothing is known. */
export const ANYBODY: Admission = { ...PEER, isProved: false };

/** Lets everybody in, and takes them for the same. */
class OpenDoor extends Door {
  #admission: Admission;
  readonly #authenticates: boolean;

  constructor(clock: Clock, admission: Admission, authenticates: boolean) {
    const refusals = new Refusals(clock, () => {});
    super({ auth: undefined, authorize: undefined, hosts: undefined, refusals });
    this.#admission = admission;
    this.#authenticates = authenticates;
  }

  override get authenticates(): boolean {
    return this.#authenticates;
  }

  override admit(): Admission {
    return this.#admission;
  }
}

/** What a handler needs where everybody may come in. */
export function openDoor(
  clock: Clock,
  admission: Admission = PEER,
  authenticates = false,
): { clock: Clock; door: Door; refusals: Refusals } {
  const refusals = new Refusals(clock, () => {});
  return { clock, door: new OpenDoor(clock, admission, authenticates), refusals };
}
