const FIRST_BUCKETS = 64;

/** An entry of a {@linkcode KeyTable}, which is a node of a linked list at the same time. */
export interface KeyTableEntry {
  readonly key: string;
  /** What `KeyTable.hash` says of the key. */
  readonly keyHash: number;
  /** The next entry in its bucket; only for the table. */
  behind: this | undefined;
}

/**
 * A hash table for entries that come and go at a high rate, such as flights.
 *
 * Not a `Map`: each time that one grows or shrinks, V8 leaves its old table behind with a pointer to the
 * new one, and once an old table has reached the old generation, all that later tables held lives until
 * the next full collection.
 */
export class KeyTable<Entry extends KeyTableEntry> {
  /** A power of two. Never fewer again: at most 16 bytes for each entry that there was at a time. */
  #buckets: (Entry | undefined)[] = new Array(FIRST_BUCKETS).fill(undefined);
  #size = 0;
  /** So that nobody can choose keys that all fall into one bucket. */
  #seed = crypto.getRandomValues(new Int32Array(2));

  /** Hashes a key. */
  hash(key: string): number {
    let hash = this.#seed[0] as number;
    const factor = (this.#seed[1] as number) | 1;
    for (let i = 0; i < key.length; i++) {
      hash = Math.imul(hash ^ key.charCodeAt(i), factor);
      hash ^= hash >>> 15;
    }
    return hash;
  }

  /** Returns the entry of a key. */
  get(key: string, keyHash: number = this.hash(key)): Entry | undefined {
    let entry = this.#buckets[keyHash & this.#buckets.length - 1];
    while (entry !== undefined && (entry.keyHash !== keyHash || entry.key !== key)) {
      entry = entry.behind;
    }
    return entry;
  }

  /** Adds an entry whose key has none. */
  add(entry: Entry): void {
    if (++this.#size > this.#buckets.length) this.#grow();
    this.#insert(entry);
  }

  /** Removes an entry of this table. */
  delete(entry: Entry): void {
    const bucket = entry.keyHash & this.#buckets.length - 1;
    let before = this.#buckets[bucket];
    if (before === entry) this.#buckets[bucket] = entry.behind;
    else {
      while (before !== undefined && before.behind !== entry) before = before.behind;
      if (before === undefined) return;
      before.behind = entry.behind;
    }
    // A pointer from garbage would keep the next entry alive.
    entry.behind = undefined;
    this.#size--;
  }

  /** All entries, as they are now. */
  entries(): Entry[] {
    const entries: Entry[] = [];
    for (let entry of this.#buckets) {
      for (; entry !== undefined; entry = entry.behind) entries.push(entry);
    }
    return entries;
  }

  #insert(entry: Entry): void {
    const bucket = entry.keyHash & this.#buckets.length - 1;
    entry.behind = this.#buckets[bucket];
    this.#buckets[bucket] = entry;
  }

  #grow(): void {
    const entries = this.entries();
    this.#buckets = new Array(2 * this.#buckets.length).fill(undefined);
    for (const entry of entries) this.#insert(entry);
  }
}
