import { Auth } from "../auth/auth.ts";
import type { AuthOptions } from "../auth/auth_options.ts";
import type { Newcomers } from "../auth/gatekeeper.ts";
import type { Authorize } from "../auth/authorize.ts";
import { Refusals } from "../auth/refusals.ts";
import { UnprotectedEvent } from "../events.ts";
import type { Clock } from "../timing/clock.ts";
import { Door } from "./server/door.ts";

/** Options for {@linkcode protectionOf}. */
export interface ProtectionOptions {
  /** The base URL of this process. */
  self?: string;
  auth?: AuthOptions;
  authorize?: Authorize;
  hosts?: readonly string[];
  clock: Clock;
  /** Identifies this run of the process. */
  instanceId: string;
  /** Whether this process answers peers, and is not leaving. */
  isServing: () => boolean;
  /** Who takes note of processes that start where peers have left. */
  newcomers: () => Newcomers;
  /** Reports an event to operators. */
  report: (event: Event) => void;
}

/** The protection of a cache against unauthorized access. */
export interface Protection {
  /** Authenticates processes to each other; undefined without the option `auth`. */
  auth: Auth | undefined;
  /** Decides which requests to admit. */
  door: Door;
  /** Reports requests and replies without a valid proof. */
  refusals: Refusals;
}

/** Loopback names, which other machines cannot reach. */
const LOOPBACK = /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/;

/** Sets up the protection of a cache, and warns if there is none. */
export function protectionOf(options: ProtectionOptions): Protection {
  const { self, authorize, hosts, clock, report } = options;
  const refusals = new Refusals(clock, report);
  const auth = options.auth && new Auth({
    ...options,
    auth: options.auth,
    origin: new URL(self ?? "").origin,
    onError: (error) => refusals.add({ reason: "no-secret", isRefused: false, error }),
  });
  if (auth === undefined && authorize === undefined && isReachable(self)) {
    const message = `Whoever reaches ${self} can read and change what it caches: use auth, ` +
      "authorize, or a network that only its peers can reach";
    // Callers add their listeners after the constructor has returned.
    queueMicrotask(() => report(new UnprotectedEvent(message)));
  }
  return { auth, refusals, door: new Door({ auth, authorize, hosts, refusals }) };
}

function isReachable(self: string | undefined): boolean {
  return self !== undefined && URL.canParse(self) && !LOOPBACK.test(new URL(self).hostname);
}
