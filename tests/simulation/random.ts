/** Numbers that follow from a seed alone. */
export class Random {
  #state: number;

  /** @param seed Any value; each gives a sequence of its own. */
  constructor(seed: number | string) {
    this.#state = hash32(String(seed));
  }

  /** A number from 0 to less than 1 (mulberry32). */
  readonly next = (): number => {
    this.#state = this.#state + 0x6d2b79f5 | 0;
    let t = Math.imul(this.#state ^ this.#state >>> 15, 1 | this.#state);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) / 2 ** 32;
  };

  /** Whether something of probability `p` happens. */
  chance(p: number): boolean {
    return this.next() < p;
  }

  /** A whole number from `least` to `most`, both included. */
  int(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  /** A number from `least` to `most`. */
  between(least: number, most: number): number {
    return least + this.next() * (most - least);
  }

  /** One of several, each as likely. */
  pick<Item>(items: readonly Item[]): Item {
    return items[Math.floor(this.next() * items.length)] as Item;
  }

  /** One of several names, each as likely as its weight says. */
  weighted<Name extends string>(weights: Readonly<Partial<Record<Name, number>>>): Name {
    const entries = Object.entries(weights) as [Name, number][];
    let rest = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [name, weight] of entries) {
      rest -= weight;
      if (rest < 0) return name;
    }
    return (entries.at(-1) as [Name, number])[0];
  }

  /** A time to the next of events that come `meanMs` apart on average, in milliseconds. */
  gap(meanMs: number): number {
    return -Math.log(1 - this.next()) * meanMs;
  }
}

/**
 * A number from 0 to less than 1 that follows from a name. Unlike one out of a sequence it stays
 * what it is when other draws are left out, which lets a failing run shrink.
 */
export function draw(name: string): number {
  let h = hash32(name);
  h = Math.imul(h ^ h >>> 16, 0x85ebca6b);
  h = Math.imul(h ^ h >>> 13, 0xc2b2ae35);
  return ((h ^ h >>> 16) >>> 0) / 2 ** 32;
}

/** A hash of text (FNV-1a), continued from `hash`. */
export function hash32(text: string, hash = 0x811c9dc5): number {
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
