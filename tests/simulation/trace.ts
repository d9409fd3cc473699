import { hash32 } from "./random.ts";

/** Something that happened. */
export interface TraceLine {
  readonly atMs: number;
  /** Where: a process, or the world. */
  readonly who: string;
  readonly what: string;
  /** The keys that it is about; undefined if it is about all. */
  readonly keys?: readonly string[];
}

/** What happened in a run, in order. */
export class Trace {
  readonly lines: TraceLine[] = [];
  #hash = hash32("");

  /** A number that differs where two runs differ. */
  get hash(): string {
    return this.#hash.toString(16).padStart(8, "0");
  }

  add(line: TraceLine): void {
    this.lines.push(line);
    this.#hash = hash32(`${line.atMs}|${line.who}|${line.what}`, this.#hash);
  }

  /** What happened to a key, and to all. */
  about(key: string | undefined, { untilMs = Infinity }: { untilMs?: number } = {}): string {
    return this.lines
      .filter((line) => line.atMs <= untilMs)
      .filter((line) => key === undefined || line.keys === undefined || line.keys.includes(key))
      .map(({ atMs, who, what }) => `${atMs.toFixed(2).padStart(11)}  ${who.padEnd(8)} ${what}`)
      .join("\n");
  }
}
