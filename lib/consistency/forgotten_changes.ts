import type { Change } from "../wire/change.ts";

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
  /** So that nobody can choose a key that is taken for another. */
  readonly #seed = crypto.getRandomValues(new Int32Array(2));

  constructor(least: number) {
    this.#least = least;
  }

  has({ stamp: { origin, time }, group, key }: Change): boolean {
    const hash = this.#young.get(origin)?.get(time) ?? this.#old.get(origin)?.get(time);
    return hash !== undefined && hash === this.#hash(group, key);
  }

  add({ stamp: { origin, time }, group, key }: Change): void {
    if (this.#youngSize >= this.#least) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngSize = 0;
    }
    let hashes = this.#young.get(origin);
    if (hashes === undefined) this.#young.set(origin, hashes = new Map());
    hashes.set(time, this.#hash(group, key));
    this.#youngSize++;
  }

  #hash(group: string, key: string): number {
    return this.#hashOn(this.#hashOn(this.#seed[0] as number, group), key);
  }

  #hashOn(hash: number, text: string): number {
    const factor = (this.#seed[1] as number) | 1;
    for (let i = 0; i < text.length; i++) {
      hash = Math.imul(hash ^ text.charCodeAt(i), factor);
      hash ^= hash >>> 15;
    }
    // Where the group ends.
    return Math.imul(hash ^ text.length, factor);
  }
}
