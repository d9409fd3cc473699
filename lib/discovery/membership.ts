import type { Discovery } from "./discovery.ts";
import { DiscoveryErrorEvent } from "../events.ts";

/** Whom {@linkcode followDiscovery} serves. */
export interface Membership {
  /** The base URL of this process. */
  self: string;
  /** Takes a list that holds `self`, or throws. */
  setPeers: (urls: readonly string[]) => void;
  /** Takes what happened. */
  report: (event: DiscoveryErrorEvent) => void;
  /** Ends it. */
  signal: AbortSignal;
}

/**
 * Sets the peers that a source lists, until the source ends or is ended. Resolves when nothing of
 * the source is left, a registration under a lease included. That may be never: a generator returns
 * only when what it awaits has come.
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
    // Listeners come after the constructor.
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
        // A source may not have seen this process yet, and all keep their lists sorted.
        const isListed = value.some((url) => originOf(url) === originOf(self));
        setPeers(isListed ? value : [...value, self].sort());
      } catch (error) {
        failed(error);
      }
    }
  } catch (error) {
    failed(error);
  }
  // One that has ended by itself need not be told.
  signal.removeEventListener("abort", end);
  await ended;
}
