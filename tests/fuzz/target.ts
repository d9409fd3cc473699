import type { Random } from "./random.ts";

/** Something that takes input from strangers. */
export interface FuzzTarget {
  readonly name: string;
  /** How many cases it gets, relative to the others. */
  readonly weight: number;
  /** Runs one case. Whatever it throws is a finding. */
  run(random: Random): void | Promise<void>;
}

/** Runs a parser whose only error is of the given kind. Returns undefined if it throws that. */
export function expectOnly<T>(kind: new (message: string) => Error, run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof kind) return undefined;
    throw error;
  }
}
