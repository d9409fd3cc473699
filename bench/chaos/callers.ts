import { pause } from "../peers/calls.ts";
import { valueOf } from "./origin.ts";

/** Which keys callers request, and how often. */
export interface Demand {
  callers: number;
  /** How many keys are requested, newer ones more often. */
  keys: number;
  /** New keys per second, each of which replaces the oldest one. */
  newKeysPerSecond: number;
  /** The mean pause of a caller between two calls, in milliseconds. */
  thinkMs: number;
}

/** The keys requested at this moment, the newest first. */
export function keysIn(demand: Demand): string[] {
  return Array.from({ length: demand.keys }, (_, rank) => keyIn(demand, rank));
}

/** One of them. All processes agree on it, because it depends on the clock. */
function keyIn({ newKeysPerSecond }: Demand, rank: number): string {
  return `key:${Math.floor(Date.now() / 1000 * newKeysPerSecond) - rank}`;
}

/** A finished call: when it began, in Unix milliseconds, and how long it took. */
export type Call = [startMs: number, latencyMs: number];

/** What callers saw in a short period. */
export interface Sample {
  calls: Call[];
  /** The errors. */
  failures: { atMs: number; what: string }[];
}

/** Callers, each of which makes one call after another. */
export class Callers {
  #get: (key: string) => Promise<string>;
  #report: (sample: Sample) => void;
  #isOn = true;
  #sample: Sample = newSample();
  #ended: Promise<unknown>;

  constructor(
    demand: Demand,
    get: (key: string) => Promise<string>,
    report: (sample: Sample) => void,
  ) {
    this.#get = get;
    this.#report = report;
    this.#ended = Promise.all(Array.from({ length: demand.callers }, () => this.#run(demand)));
    this.#tell();
  }

  /** Stops after the calls in flight, and waits for them. */
  async stop(): Promise<void> {
    this.#isOn = false;
    await this.#ended;
    this.#take();
  }

  async #run(demand: Demand): Promise<void> {
    const { keys, thinkMs } = demand;
    await pause(Math.random() * thinkMs);
    while (this.#isOn) {
      await this.#call(keyIn(demand, Math.floor(Math.random() ** 2 * keys)));
      await pause(Math.random() * 2 * thinkMs);
    }
  }

  async #call(key: string): Promise<void> {
    const startMs = Date.now();
    const start = performance.now();
    try {
      const value = await this.#get(key);
      if (value !== valueOf(key)) throw new Error(`received ${value}`);
    } catch (error) {
      this.#sample.failures.push({ atMs: Date.now(), what: `${key}: ${error}` });
    }
    this.#sample.calls.push([startMs, Math.round((performance.now() - start) * 100) / 100]);
  }

  async #tell(): Promise<void> {
    while (this.#isOn) {
      await pause(250);
      this.#take();
    }
  }

  #take(): void {
    this.#report(this.#sample);
    this.#sample = newSample();
  }
}

function newSample(): Sample {
  return { calls: [], failures: [] };
}
