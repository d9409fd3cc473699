/** Each doubling is split into this many buckets, so a bucket is at most a sixteenth wide. */
const STEPS = 16;
const STEP_BITS = 4;
/** 17 minutes. Longer times are recorded as this. */
const MAX_MS = 2 ** 20 - 1;
const BUCKETS = (20 - STEP_BITS + 1) * STEPS;

/** Fewer times than this have no meaningful 99th percentile. */
const MIN_COUNT = 100;
/** What share of the times may be longer than the 99th percentile. */
const LONGER = 0.01;
/** The percentile is recomputed after this many times: it is read on every call, and moves slowly. */
const REFRESH_COUNT = 32;

/** Old times lose half their weight after this long ... */
const HALF_LIFE_MS = 2000;
/** ... but only once there are enough that half of them still give a 99th percentile. */
const HALVE_COUNT = 1000;

/**
 * How long a peer has taken to answer recently: a histogram with buckets like those of HdrHistogram,
 * 1 ms wide up to 32 ms and a sixteenth of their value beyond, whose counts are halved from time to
 * time. It takes 2 KiB, however many times it has recorded.
 */
export class Latencies {
  #counts = new Float64Array(BUCKETS);
  #total = 0;
  #halvedAtMs: number;
  #p99Ms: number | undefined;
  #untilRefresh = MIN_COUNT;

  /** @param nowMs Unix milliseconds, as in `record`. */
  constructor(nowMs: number) {
    this.#halvedAtMs = nowMs;
  }

  /**
   * The time within which 99 of 100 answers come, in milliseconds; too high by at most a sixteenth
   * or 1 ms. Undefined while there are too few answers.
   */
  get p99Ms(): number | undefined {
    return this.#p99Ms;
  }

  /** Records the time that an answer took. */
  record(ms: number, nowMs: number): void {
    const bucket = bucketOf(ms);
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#total++;
    if (--this.#untilRefresh > 0) return;
    this.#untilRefresh = REFRESH_COUNT;
    const sinceMs = nowMs - this.#halvedAtMs;
    // A negative time means that the clock was set back.
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
  // The clock may have been set back.
  const whole = Math.min(Math.max(0, Math.floor(ms)), MAX_MS);
  if (whole < STEPS) return whole;
  const doublings = 31 - Math.clz32(whole) - STEP_BITS;
  return doublings * STEPS + (whole >>> doublings);
}

/** The shortest time above all those in a bucket. */
function endOf(bucket: number): number {
  if (bucket < STEPS) return bucket + 1;
  const doublings = Math.floor(bucket / STEPS) - 1;
  return (bucket - doublings * STEPS + 1) * 2 ** doublings;
}
