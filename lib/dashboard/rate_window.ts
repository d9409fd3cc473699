import { addVector, type CounterVector, VECTOR_LENGTH } from "./counter_vector.ts";

/** So many samples make a rate: one alone jumps about. */
const SAMPLES = 5;

/** What was counted in the last few samples. */
export class RateWindow {
  /** All of them together. */
  readonly sum: CounterVector = new Float64Array(VECTOR_LENGTH);
  #samples: { counted: CounterVector; ms: number }[] = [];
  #ms = 0;

  /** Adds what was counted in the `ms` milliseconds since the last sample. */
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

  /** How often something happens per second that was counted so often. */
  perSecond(count: number): number {
    return this.#ms > 0 ? count * 1000 / this.#ms : 0;
  }
}
