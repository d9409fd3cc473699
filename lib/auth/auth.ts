import type { Clock } from "../timing/clock.ts";
import { type AuthOptions, checkAuthOptions } from "./auth_options.ts";
import { Credentials } from "./credentials.ts";
import { Gatekeeper, type Newcomers } from "./gatekeeper.ts";
import { KeyRing } from "./key_ring.ts";

/** Options for {@linkcode Auth}. */
export interface AuthContext {
  auth: AuthOptions;
  clock: Clock;
  /** An id of this run of the process. */
  instanceId: string;
  /** The origin of this process. */
  origin: string;
  /** Whether this process answers peers at its origin, and is not leaving. */
  isServing: () => boolean;
  /** Who takes note of processes that start where peers have left. */
  newcomers: () => Newcomers;
  /** Called if the secrets could not be read. The previous ones remain valid. */
  onError: (error: unknown) => void;
}

// How processes prove their identity to each other:
//
// 1. Each receiver generates a random challenge, at every start and every few minutes, and sends it to
//    any client that names a secret known to it: in every reply, and with the first 401. The request
//    without one carries an HMAC of sender, receiver and the sender's address: in place of a process
//    that has left, it is proof enough that changes have to wait for somebody there.
// 2. A read carries an HMAC of sender, receiver and challenge. Both sides compute it once and then look
//    it up: it permits reading from this receiver until the challenge expires.
// 3. A request that changes something carries an HMAC that also covers its method, path, body and
//    sequence number: it is valid once.
// 4. The reply carries an HMAC of the request's HMAC. A process that took over the receiver's address
//    without knowing the secret cannot compute one, so its replies are rejected.
//
// With challenges instead of timestamps, clocks need not agree, and no proof outlives the run of the
// process that it was made for.

/** Authenticates the processes of a cluster to each other. */
export class Auth {
  /** Whether requests and replies without a proof are rejected. */
  readonly isRequired: boolean;
  readonly gatekeeper: Gatekeeper;
  #keys: KeyRing;
  #context: AuthContext;
  #sequence = 0;

  /** @throws {TypeError | RangeError} As `checkAuthOptions` does. */
  constructor(context: AuthContext) {
    const { secrets, mode } = checkAuthOptions(context.auth);
    this.isRequired = mode === "require";
    this.#context = context;
    this.#keys = new KeyRing({ ...context, secrets });
    this.gatekeeper = new Gatekeeper({ ...context, keys: this.#keys });
  }

  /** Returns the credentials of this process for the peer with a URL. */
  credentialsFor(url: string): Credentials {
    const { instanceId, origin, isServing } = this.#context;
    return new Credentials({
      keys: this.#keys,
      from: instanceId,
      to: new URL(url).origin,
      at: () => isServing() ? origin : undefined,
      // One sequence for all peers: a peer that leaves the list and returns must not see a number twice.
      nextSequence: () => ++this.#sequence,
    });
  }
}
