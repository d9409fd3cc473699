import type { Fetch } from "../../lib/runtime.ts";

/** How a peer behind a cut cannot be reached. */
export type CutKind = "refuse" | "hang";

/** Faults between this process and its peers, in the function by which it asks them. */
export class Faults {
  #cut: ReadonlySet<string> = new Set();
  #kind: CutKind = "refuse";

  /** Cuts off the peers of these URLs, and no others. */
  cut(urls: readonly string[], kind: CutKind): void {
    this.#cut = new Set(urls);
    this.#kind = kind;
  }

  readonly fetch: Fetch = async (input, init) => {
    await this.#pass(input, init?.signal);
    const response = await fetch(input, init);
    // The reply has to come through as well.
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
