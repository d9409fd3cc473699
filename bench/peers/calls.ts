import process from "node:process";
import { setImmediate } from "node:timers";

/** Gets one key. */
export type Call = (key: string) => Promise<unknown>;

/** Keys in turn, from the first again after the last. */
export class Keys {
  #keys: readonly string[];
  #next = 0;

  constructor(keys: readonly string[]) {
    this.#keys = keys;
  }

  next(): string {
    if (this.#next === this.#keys.length) this.#next = 0;
    return this.#keys[this.#next++] as string;
  }

  /** As many as make a batch. */
  take(count: number): string[] {
    return Array.from({ length: count }, () => this.next());
  }
}

/** Calls per second of callers that each make one call after another. */
export async function throughput(
  call: Call,
  keys: Keys,
  { callers, ms }: { callers: number; ms: number },
): Promise<number> {
  let calls = 0;
  const start = performance.now();
  const caller = async () => {
    while (performance.now() - start < ms) {
      await call(keys.next());
      calls++;
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return calls / (performance.now() - start) * 1000;
}

/** The milliseconds that each call of one caller takes. */
export async function latencies(call: Call, keys: Keys, ms: number): Promise<number[]> {
  const taken: number[] = [];
  const end = performance.now() + ms;
  for (let start = performance.now(); start < end;) {
    await call(keys.next());
    const now = performance.now();
    taken.push(now - start);
    start = now;
  }
  return taken;
}

/** What a load was like. */
export interface Load {
  readonly perSecond: number;
  readonly calls: number;
  /** Milliseconds of a call. */
  readonly p50: number;
  readonly p99: number;
  /** Processor time of this process, in microseconds a call. */
  readonly micros: number;
}

/**
 * Callers that each make one call after another: in step, because calls that travel together are
 * answered in one turn, or independent of each other, because each waits 0 to 8 turns in between.
 */
export async function load(
  call: Call,
  keys: Keys,
  { callers, ms, isIndependent }: { callers: number; ms: number; isIndependent: boolean },
): Promise<Load> {
  const taken: number[] = [];
  let calls = 0;
  const processorBefore = processorMicros();
  const start = performance.now();
  const caller = async () => {
    while (performance.now() - start < ms) {
      if (isIndependent) {
        for (let hops = Math.floor(Math.random() * 9); hops > 0; hops--) {
          await new Promise<void>((resolve) => setImmediate(resolve));
        }
      }
      const before = performance.now();
      await call(keys.next());
      // A sample: to keep all of them would be a load of its own.
      if ((calls++ & 7) === 0) taken.push(performance.now() - before);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return {
    perSecond: calls / (performance.now() - start) * 1000,
    calls,
    p50: percentile(taken, 0.5),
    p99: percentile(taken, 0.99),
    micros: (processorMicros() - processorBefore) / calls,
  };
}

/** Makes one call after another until `end` settles. Returns calls per second. */
export async function repeatUntil(
  end: Promise<unknown>,
  call: Call,
  keys: Keys,
): Promise<number> {
  let isOver = false;
  const over = () => isOver = true;
  end.then(over, over);
  let calls = 0;
  const start = performance.now();
  for (; !isOver; calls++) await call(keys.next());
  return calls / (performance.now() - start) * 1000;
}

/** Makes so many calls in all, some at a time. */
export async function callAll(
  call: Call,
  keys: Keys,
  { calls, callers }: { calls: number; callers: number },
): Promise<void> {
  let left = calls;
  const caller = async () => {
    while (left-- > 0) await call(keys.next());
  };
  await Promise.all(Array.from({ length: callers }, caller));
}

/** The processor time that this process has taken so far, in microseconds. */
export function processorMicros(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** The value below which this share of the values lies. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

/** The milliseconds that calls made at once take. */
export function latenciesAtOnce(call: Call, keys: readonly string[]): Promise<number[]> {
  const start = performance.now();
  return Promise.all(keys.map(async (key) => {
    await call(key);
    return performance.now() - start;
  }));
}

/** Makes calls at a steady rate and returns how many. */
export async function steadily(
  call: () => Promise<unknown>,
  ms: number,
  perSecond: number,
): Promise<number> {
  const start = performance.now();
  const calls: Promise<unknown>[] = [];
  while (performance.now() - start < ms) {
    while (calls.length < (performance.now() - start) * perSecond / 1000) calls.push(call());
    await pause(5);
  }
  await Promise.all(calls);
  return calls.length;
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
