import type { Clock } from "../timing/clock.ts";
import { type AuthOptions, checkAuthOptions } from "./auth_options.ts";
import { Credentials } from "./credentials.ts";
import { Gatekeeper } from "./gatekeeper.ts";
import { KeyRing } from "./key_ring.ts";

/** Options for {@linkcode Auth}. */
export interface AuthContext {
  auth: AuthOptions;
  clock: Clock;
  /** Names this run of the process. */
  instanceId: string;
  /** The origin of this process. */
  self: () => string;
  /** Told that the secrets could not be had. Those of before stay. */
  onError: (error: unknown) => void;
}

// How processes prove themselves to each other:
//
// 1. Each receiver makes up a challenge, anew at every start and every few minutes, and tells it to
//    whoever names a secret that it knows: in every reply, and with the first 401.
// 2. A read carries an HMAC of sender, receiver and challenge. It is computed once on either side and
//    then looked up: it is good for reading from this receiver until the challenge has gone.
// 3. A request that changes something carries an HMAC of its method, path, body and number as well:
//    it is good once.
// 4. The reply carries an HMAC of the request's: whoever took over the receiver's address without
//    knowing the secret cannot make one, and what it sends is not believed.
//
// Challenges instead of times: nobody's clock need agree with anybody's, and no proof outlives the
// run of the process that it was made for.

/** What proves the processes of a cluster to each other. */
export class Auth {
  /** Whether requests and replies without a proof are refused. */
  readonly isRequired: boolean;
  readonly gatekeeper: Gatekeeper;
  #keys: KeyRing;
  #instanceId: string;
  #sequence = 0;

  /** @throws {TypeError | RangeError} As `checkAuthOptions` does. */
  constructor({ auth, clock, instanceId, self, onError }: AuthContext) {
    const { secrets, mode } = checkAuthOptions(auth);
    this.isRequired = mode === "require";
    this.#instanceId = instanceId;
    this.#keys = new KeyRing({ secrets, clock, onError });
    this.gatekeeper = new Gatekeeper({ keys: this.#keys, clock, self });
  }

  /** What proves this process to the peer of a URL. */
  credentialsFor(url: string): Credentials {
    return new Credentials({
      keys: this.#keys,
      from: this.#instanceId,
      to: new URL(url).origin,
      // One sequence for all peers: a peer that leaves the list and returns must not see a number twice.
      nextSequence: () => ++this.#sequence,
    });
  }
}
