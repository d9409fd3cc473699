import { IndexBucket, MAX_SLOTS, MIN_SLOTS } from "./index_bucket.ts";

/** The most hash bits that choose a bucket. */
const MAX_DEPTH = 16;

/**
 * Finds entries by the hash of their key, with extendible hashing. A full bucket doubles while it
 * is small, then splits in two; an empty one halves, or merges with its buddy (the bucket it would
 * have split from). So growing never touches more than one bucket, which takes some tens of
 * microseconds.
 */
export class EntryIndex {
  /** The bucket of each prefix of `#depth` hash bits. */
  #directory: IndexBucket[] = [];
  #depth = 0;
  #freeIds: number[] = [];
  /** The buckets by id; `undefined` where an id is free. */
  #buckets: (IndexBucket | undefined)[] = [];
  /** Memory taken, in bytes. */
  bytes = 0;

  constructor() {
    this.clear();
  }

  bucketOf(hash: number): IndexBucket {
    return this.#directory[hash >>> 1 >>> 31 - this.#depth] as IndexBucket;
  }

  bucket(id: number): IndexBucket {
    return this.#buckets[id] as IndexBucket;
  }

  /**
   * Makes room for an entry with this hash and returns its bucket. The bucket is still full only if
   * more hashes than it has slots share their first 16 bits.
   */
  bucketWithRoom(hash: number): IndexBucket {
    for (;;) {
      const bucket = this.bucketOf(hash);
      if (bucket.items < (bucket.mask + 1) * 0.75) return bucket;
      if (bucket.mask + 1 < MAX_SLOTS) this.#resize(bucket, 2 * (bucket.mask + 1));
      else if (bucket.depth < MAX_DEPTH) this.#split(bucket, hash);
      else return bucket;
    }
  }

  /** Gives memory back after an entry with this hash was removed. */
  shrink(hash: number): void {
    const bucket = this.bucketOf(hash);
    if (bucket.depth > 0) this.#merge(bucket, hash);
    else if (bucket.mask + 1 > MIN_SLOTS && bucket.isSparse) {
      this.#resize(bucket, (bucket.mask + 1) / 2);
    }
  }

  /** Remembers an evicted key by its hash, with a tag of at most `MAX_TAG` for the policy. */
  addGhost(hash: number, tag: number): void {
    this.bucketOf(hash).ghosts.add(hash, tag);
  }

  /** Forgets the ghost of a hash and returns its tag, or -1 if there is none. */
  takeGhost(hash: number): number {
    return this.bucketOf(hash).ghosts.take(hash);
  }

  clear(): void {
    this.bytes = 0;
    this.#depth = 0;
    this.#freeIds = [];
    this.#buckets = [];
    this.#directory = [this.#create({ depth: 0 })];
  }

  #create(options: { depth: number; slots?: number }): IndexBucket {
    const bucket = new IndexBucket(this.#freeIds.pop() ?? this.#buckets.length, options);
    this.#buckets[bucket.id] = bucket;
    this.bytes += bucket.byteLength;
    return bucket;
  }

  #resize(bucket: IndexBucket, slots: number): void {
    this.bytes -= bucket.byteLength;
    bucket.resize(slots);
    this.bytes += bucket.byteLength;
  }

  #split(bucket: IndexBucket, hash: number): void {
    if (bucket.depth === this.#depth) {
      this.#directory = this.#directory.flatMap((each) => [each, each]);
      this.#depth++;
      this.bytes += 8 * this.#directory.length / 2;
    }
    const other = this.#create({ depth: bucket.depth, slots: MAX_SLOTS });
    bucket.split(other);
    this.#fill(hash, bucket.depth, { zero: bucket, one: other });
  }

  #merge(bucket: IndexBucket, hash: number): void {
    const buddy = this.bucketOf(hash ^ 1 << 32 - bucket.depth);
    if (buddy.depth !== bucket.depth || bucket.items + buddy.items > MAX_SLOTS / 4) return;
    this.bytes -= buddy.byteLength;
    const depth = bucket.depth;
    bucket.merge(buddy);
    this.#buckets[buddy.id] = undefined;
    this.#freeIds.push(buddy.id);
    this.#fill(hash, depth, { zero: bucket, one: bucket });
  }

  /** Points the directory at the two halves of a prefix, which differ in bit number `depth`. */
  #fill(hash: number, depth: number, halves: { zero: IndexBucket; one: IndexBucket }): void {
    const span = 1 << this.#depth - depth;
    const start = (hash >>> 1 >>> 31 - this.#depth) & ~(2 * span - 1);
    this.#directory.fill(halves.zero, start, start + span);
    this.#directory.fill(halves.one, start + span, start + 2 * span);
  }
}
