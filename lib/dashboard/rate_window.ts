import { addVector, type CounterVector, VECTOR_LENGTH } from "./counter_vector.ts";

/** The number of samples in a rate: a single one would fluctuate. */
const SAMPLES = 5;

/** The counts of the last few samples. */
export class RateWindow {
  /** Their sum. */
  readonly sum: CounterVector = new Float64Array(VECTOR_LENGTH);
  #samples: { counted: CounterVector; ms: number }[] = [];
  #ms = 0;

  /** Adds the counts of the `ms` milliseconds since the last sample. */
  push(counted: CounterVector, ms: number): void {
    this.#samples.push({ counted, ms });
    addVector(this.sum, counted);
    this.#ms += ms;
    if (this.#samples.length <= SAMPLES) return;
    const oldest = this.#samples.shift();
    if (oldest === undefined) return;
    addVector(this.sum, oldest.counted, -1);
    this.#ms -= oldest.ms;
  }

  /** Converts a count to a rate per second. */
  perSecond(count: number): number {
    return this.#ms > 0 ? count * 1000 / this.#ms : 0;
  }
}
