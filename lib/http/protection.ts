import { Auth } from "../auth/auth.ts";
import type { AuthOptions } from "../auth/auth_options.ts";
import type { Authorize } from "../auth/authorize.ts";
import { Refusals } from "../auth/refusals.ts";
import { UnprotectedEvent } from "../events.ts";
import type { Clock } from "../timing/clock.ts";
import { Door } from "./server/door.ts";

/** Options for {@linkcode protectionOf}. */
export interface ProtectionOptions {
  /** How the others reach this process. */
  self: string | undefined;
  auth?: AuthOptions;
  authorize?: Authorize;
  hosts?: readonly string[];
  clock: Clock;
  /** Identifies this run of the process. */
  instanceId: string;
  /** Reports an event to operators. */
  report: (event: Event) => void;
}

/** What keeps strangers from a cache. */
export interface Protection {
  /** Proves processes to each other; undefined if nothing does. */
  auth: Auth | undefined;
  /** Decides who may come in. */
  door: Door;
  /** Where requests and replies without a valid proof are reported. */
  refusals: Refusals;
}

/** Names of this machine for itself, which no other can reach. */
const LOOPBACK = /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/;

/** Sets up what keeps strangers from a cache, and warns if nothing does. */
export function protectionOf(
  { self, auth: authOptions, authorize, hosts, clock, instanceId, report }: ProtectionOptions,
): Protection {
  const refusals = new Refusals(clock, report);
  const auth = authOptions && new Auth({
    auth: authOptions,
    clock,
    instanceId,
    origin: new URL(self ?? "").origin,
    onError: (error) => refusals.add({ reason: "no-secret", isRefused: false, error }),
  });
  if (auth === undefined && authorize === undefined && isReachable(self)) {
    const message = `Whoever reaches ${self} can read and change what it caches: use auth, ` +
      "authorize, or a network that only its peers can reach";
    // Whoever created the cache can listen first.
    queueMicrotask(() => report(new UnprotectedEvent(message)));
  }
  return { auth, refusals, door: new Door({ auth, authorize, hosts, refusals }) };
}

function isReachable(self: string | undefined): boolean {
  return self !== undefined && URL.canParse(self) && !LOOPBACK.test(new URL(self).hostname);
}
