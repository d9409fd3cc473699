import { FIRST_WORD, Segment } from "./segment.ts";

/** The most segments the index can address. */
const MAX_SEGMENTS = 1 << 16;

/**
 * Allocates the buffers of segments and takes them back. A buffer that no view ever pointed into is
 * kept for the next segment of its size, or freed at once when enough are kept. An exposed one is
 * left to the collector, and counts as stray until the collector has freed it.
 */
export class SegmentMemory {
  /** The segments by id; `undefined` where an id is free. */
  readonly segments: (Segment | undefined)[] = [];
  /** Memory of the segments in use, in bytes. */
  bytes = 0;
  /** Buffers in use that views have pointed into, in bytes. */
  exposedBytes = 0;
  /** Buffers of dropped segments that views still hold or the collector has yet to free, in bytes. */
  strayBytes = 0;
  /** Buffers kept for the next segments, in bytes: at most one ordinary segment's worth. */
  spareBytes = 0;
  /** Whether segments have had to be dropped to make room. */
  isShort = false;
  /** The size of an ordinary segment. */
  standardWords: number;
  #spares: ArrayBuffer[] = [];
  #freeIds: number[] = [];
  #strays = new FinalizationRegistry<number>((bytes) => this.strayBytes -= bytes);

  constructor(standardWords: number) {
    this.standardWords = standardWords;
  }

  /** Creates a segment of `words` words. Returns `undefined` if the runtime is out of memory. */
  allocate(words: number): Segment | undefined {
    if (this.#freeIds.length === 0 && this.segments.length === MAX_SEGMENTS) return undefined;
    const buffer = this.#buffer(4 * words);
    if (buffer === undefined) return undefined;
    const segment = new Segment(this.#freeIds.pop() ?? this.segments.length, buffer);
    this.segments[segment.id] = segment;
    this.bytes += segment.byteLength;
    return segment;
  }

  release(segment: Segment): void {
    const { buffer } = segment;
    this.segments[segment.id] = undefined;
    this.#freeIds.push(segment.id);
    this.bytes -= segment.byteLength;
    segment.isReleased = true;
    if (segment.isExposed) {
      this.exposedBytes -= buffer.byteLength;
      this.strayBytes += buffer.byteLength;
      this.#strays.register(buffer, buffer.byteLength);
    } else this.#addSpare(buffer);
  }

  /** Frees all spare buffers. */
  dropSpares(): void {
    this.#trimSpares(0);
  }

  /** Keeps a buffer for the next segment of its size, at the expense of the oldest spares. */
  #addSpare(buffer: ArrayBuffer): void {
    this.#spares.push(buffer);
    this.spareBytes += buffer.byteLength;
    this.#trimSpares(4 * this.standardWords);
  }

  /** Frees the oldest spares until at most `maxBytes` are left. */
  #trimSpares(maxBytes: number): void {
    while (this.spareBytes > maxBytes) {
      const oldest = this.#spares.shift() as ArrayBuffer;
      this.spareBytes -= oldest.byteLength;
      oldest.transfer(0);
    }
  }

  #buffer(bytes: number): ArrayBuffer | undefined {
    const at = this.#spares.findLastIndex((spare) => spare.byteLength === bytes);
    if (at >= 0) {
      this.spareBytes -= bytes;
      return this.#spares.splice(at, 1)[0];
    }
    try {
      return new ArrayBuffer(bytes);
    } catch {
      return undefined;
    }
  }
}

/** Returns the size of an ordinary segment: 1/64 of the store, between 4 KiB and 1 MiB. */
export function standardWordsFor(maxBytes: number): number {
  const bytes = Math.min(Math.max(maxBytes / 64, 4096), 1 << 20);
  return 2 ** Math.floor(Math.log2(bytes / 4));
}

/** Returns the size of a segment that holds a single entry. */
export function singleWordsFor(entryWords: number): number {
  return FIRST_WORD + entryWords;
}
