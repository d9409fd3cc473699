import { fnv1a } from "../placement/fnv.ts";
import type { Change } from "../wire/change.ts";

const encoder = new TextEncoder();

/**
 * Recognizes changes without keeping them: at least the last `least` that were added, and at most twice as
 * many. A stamp alone would not do: others may make one up before its process does.
 */
export class ForgottenChanges {
  readonly #least: number;
  /** Hashes of keys by origin and time. The older half goes when the younger one is full. */
  #young = new Map<string, Map<number, number>>();
  #old = new Map<string, Map<number, number>>();
  #youngSize = 0;

  constructor(least: number) {
    this.#least = least;
  }

  has({ stamp: { origin, time }, group, key }: Change): boolean {
    const hash = this.#young.get(origin)?.get(time) ?? this.#old.get(origin)?.get(time);
    return hash !== undefined && hash === hashOf(group, key);
  }

  add({ stamp: { origin, time }, group, key }: Change): void {
    if (this.#youngSize >= this.#least) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngSize = 0;
    }
    let hashes = this.#young.get(origin);
    if (hashes === undefined) this.#young.set(origin, hashes = new Map());
    hashes.set(time, hashOf(group, key));
    this.#youngSize++;
  }
}

function hashOf(group: string, key: string): number {
  return Number(fnv1a(encoder.encode(`${group}/${key}`)) & 0xffffffffn);
}
