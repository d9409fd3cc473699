/** Each doubling is cut into this many buckets, so a bucket is at most a sixteenth of its times wide. */
const STEPS = 16;
const STEP_BITS = 4;
/** 17 minutes. Longer times count as this. */
const MAX_MS = 2 ** 20 - 1;
const BUCKETS = (20 - STEP_BITS + 1) * STEPS;

/** Of fewer times nobody can say what one in a hundred takes. */
const MIN_COUNT = 100;
/** What share of the times may be longer than the 99th percentile. */
const LONGER = 0.01;
/** The percentile is found anew after so many times: it moves slowly, and is asked for with each. */
const REFRESH_COUNT = 32;

/** Old times lose half their weight after this long ... */
const HALF_LIFE_MS = 2000;
/** ... but not before there are so many that half of them still say what one in a hundred takes. */
const HALVE_COUNT = 1000;

/**
 * How long a peer takes to answer, of late: a histogram in buckets as those of HdrHistogram, one
 * millisecond wide up to 32 ms and then a sixteenth of what they hold, whose counts are halved from
 * time to time. 2 KiB, whatever it has seen.
 */
export class Latencies {
  #counts = new Float64Array(BUCKETS);
  #total = 0;
  #halvedAtMs: number;
  #p99Ms: number | undefined;
  #untilRefresh = MIN_COUNT;

  /** @param nowMs Unix milliseconds, as below. */
  constructor(nowMs: number) {
    this.#halvedAtMs = nowMs;
  }

  /**
   * The time that one answer in a hundred takes longer than, in milliseconds; too high by a
   * sixteenth or 1 ms at most. Undefined while there are too few to tell.
   */
  get p99Ms(): number | undefined {
    return this.#p99Ms;
  }

  /** Takes note of an answer. */
  record(ms: number, nowMs: number): void {
    const bucket = bucketOf(ms);
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#total++;
    if (--this.#untilRefresh > 0) return;
    this.#untilRefresh = REFRESH_COUNT;
    const sinceMs = nowMs - this.#halvedAtMs;
    // Below zero the clock was set back.
    if (this.#total >= HALVE_COUNT && (sinceMs >= HALF_LIFE_MS || sinceMs < 0)) this.#halve(nowMs);
    this.#p99Ms = this.#findP99();
  }

  #halve(nowMs: number): void {
    this.#halvedAtMs = nowMs;
    this.#total /= 2;
    for (let i = 0; i < BUCKETS; i++) this.#counts[i] = (this.#counts[i] as number) / 2;
  }

  #findP99(): number {
    const mayBeLonger = this.#total * LONGER;
    let bucket = BUCKETS;
    for (let longer = 0; longer <= mayBeLonger && bucket > 0;) {
      longer += this.#counts[--bucket] as number;
    }
    return endOf(bucket);
  }
}

function bucketOf(ms: number): number {
  // A clock that was set back makes times negative.
  const whole = Math.min(Math.max(0, Math.floor(ms)), MAX_MS);
  if (whole < STEPS) return whole;
  const doublings = 31 - Math.clz32(whole) - STEP_BITS;
  return doublings * STEPS + (whole >>> doublings);
}

/** The least time that is longer than all those of a bucket. */
function endOf(bucket: number): number {
  if (bucket < STEPS) return bucket + 1;
  const doublings = Math.floor(bucket / STEPS) - 1;
  return (bucket - doublings * STEPS + 1) * 2 ** doublings;
}
