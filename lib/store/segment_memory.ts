import { FIRST_WORD, Segment } from "./segment.ts";

/** Segments that the index can tell apart. */
const MAX_SEGMENTS = 1 << 16;

/**
 * Gives segments their memory and takes it back. A buffer that no view points into is kept for a
 * segment of the same size, or freed at once when enough are; one that was seen is left to the
 * collector, and counted until the collector has had it.
 */
export class SegmentMemory {
  /** The segments by their ids; `undefined` where an id is free. */
  readonly segments: (Segment | undefined)[] = [];
  /** Memory of the segments in use, in bytes. */
  bytes = 0;
  /** Buffers in use that views point into, or did, in bytes. */
  exposedBytes = 0;
  /** Buffers of dropped segments that views still hold, or the collector did not yet find. */
  strayBytes = 0;
  /** Memory kept ready for the next segments, in bytes: no more than an ordinary one takes. */
  spareBytes = 0;
  /** The size of an ordinary segment. */
  standardWords: number;
  #spares: ArrayBuffer[] = [];
  #freeIds: number[] = [];
  #strays = new FinalizationRegistry<number>((bytes) => this.strayBytes -= bytes);

  constructor(standardWords: number) {
    this.standardWords = standardWords;
  }

  /** A new segment of `words` words, or `undefined` if the runtime has none. */
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
    } else this.#keep(buffer);
  }

  /** Gives back what was kept ready. */
  dropSpares(): void {
    this.#dropSpares(0);
  }

  /** Keeps a buffer ready, in place of those kept for longest. */
  #keep(buffer: ArrayBuffer): void {
    this.#spares.push(buffer);
    this.spareBytes += buffer.byteLength;
    this.#dropSpares(4 * this.standardWords);
  }

  /** Frees the oldest of what was kept ready, until no more than `maxBytes` are. */
  #dropSpares(maxBytes: number): void {
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

/** The words of an ordinary segment: a 64th of the store, between 4 KiB and 1 MiB. */
export function standardWordsFor(maxBytes: number): number {
  const bytes = Math.min(Math.max(maxBytes / 64, 4096), 1 << 20);
  return 2 ** Math.floor(Math.log2(bytes / 4));
}

/** The words of a segment that holds one entry. */
export function ownWordsFor(entryWords: number): number {
  return FIRST_WORD + entryWords;
}
