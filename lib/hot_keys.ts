/** How often a value of another peer is mirrored, as in golang/groupcache: one time in ten. */
const MIRROR_SHARE = 0.1;

/** How long a mirror may be served, in milliseconds. Its owner is asked again after that. */
export const MIRROR_TTL_MS = 60_000;

/**
 * Chooses which remote keys are hot enough to mirror. A key that is asked for often comes up soon,
 * one that is asked for once rarely.
 */
export class HotKeys {
  #random: () => number;

  /** @param random As `Math.random`. */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** Whether to mirror a value that has just come from its owner. */
  shouldMirror(): boolean {
    return this.#random() < MIRROR_SHARE;
  }
}
