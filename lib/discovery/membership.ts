import type { Discovery } from "./discovery.ts";
import { DiscoveryErrorEvent } from "../events.ts";

/** Options for {@linkcode followDiscovery}. */
export interface Membership {
  /** The base URL of this process. */
  self: string;
  /** Applies a list that contains `self`; throws if the list is invalid. */
  setPeers: (urls: readonly string[]) => void;
  /** Reports a failure. */
  report: (event: DiscoveryErrorEvent) => void;
  /** Ends the source. */
  signal: AbortSignal;
}

/**
 * Applies the lists of a source until it ends or `signal` aborts. Resolves once the source has cleaned
 * up, such as by revoking a lease. That may never happen: a generator returns only after its pending
 * await has settled.
 */
export async function followDiscovery(
  source: Discovery,
  { self, setPeers, report, signal }: Membership,
): Promise<void> {
  const failed = (error: unknown): void => {
    if (signal.aborted) return;
    report(new DiscoveryErrorEvent(error instanceof Error ? error : new Error(String(error))));
  };
  const originOf = (url: string): string => new URL(url).origin;
  let ended: Promise<unknown> | undefined;
  let end = (): void => {};
  try {
    // Callers add their listeners after the constructor has returned.
    await undefined;
    const iterator = source[Symbol.asyncIterator]();
    end = () => void (ended = (async () => await iterator.return?.())().catch(() => {}));
    if (signal.aborted) end();
    signal.addEventListener("abort", end);
    for (;;) {
      const { done, value } = await iterator.next();
      if (done || signal.aborted) break;
      try {
        if (value instanceof Error) throw value;
        // The source may not have seen this process yet. All processes sort their lists.
        const isListed = value.some((url) => originOf(url) === originOf(self));
        setPeers(isListed ? value : [...value, self].sort());
      } catch (error) {
        failed(error);
      }
    }
  } catch (error) {
    failed(error);
  }
  // A source that ended by itself need not be ended.
  signal.removeEventListener("abort", end);
  await ended;
}
