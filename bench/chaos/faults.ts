import type { Fetch } from "../../lib/runtime.ts";

/** How requests to a peer behind a cut fail. */
export type CutKind = "refuse" | "hang";

/** Faults between this process and its peers, injected into its fetch function. */
export class Faults {
  #cut: ReadonlySet<string> = new Set();
  #kind: CutKind = "refuse";

  /** Cuts off exactly the peers with these URLs. */
  cut(urls: readonly string[], kind: CutKind): void {
    this.#cut = new Set(urls);
    this.#kind = kind;
  }

  readonly fetch: Fetch = async (input, init) => {
    await this.#pass(input, init?.signal);
    const response = await fetch(input, init);
    // The reply must get through as well.
    await this.#pass(input, init?.signal);
    return response;
  };

  async #pass(input: string, signal: AbortSignal | null | undefined): Promise<void> {
    if (!this.#cut.has(new URL(input).origin)) return;
    if (this.#kind === "refuse") throw new TypeError("connection refused");
    await new Promise((_, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
    });
  }
}
