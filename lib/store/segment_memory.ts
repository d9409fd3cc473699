import { FIRST_WORD, Segment } from "./segment.ts";

/** Segments that the index can tell apart. */
const MAX_SEGMENTS = 1 << 16;

/**
 * Gives segments their memory and takes it back. A buffer that no view points into is freed at
 * once, or kept for the next segment; one that was seen is left to the collector, and counted
 * until the collector has had it.
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
  /** Memory kept ready for the next segment, in bytes. */
  spareBytes = 0;
  /** The size of an ordinary segment. */
  standardWords: number;
  #spare: ArrayBuffer | undefined;
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
    } else if (this.#spare === undefined && buffer.byteLength === 4 * this.standardWords) {
      this.#spare = buffer;
      this.spareBytes = buffer.byteLength;
    } else {
      buffer.transfer(0);
    }
  }

  /** Gives back what was kept ready. */
  dropSpare(): void {
    this.#spare?.transfer(0);
    this.#spare = undefined;
    this.spareBytes = 0;
  }

  #buffer(bytes: number): ArrayBuffer | undefined {
    const spare = this.#spare;
    if (spare !== undefined && this.spareBytes === bytes) {
      this.#spare = undefined;
      this.spareBytes = 0;
      return spare;
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
