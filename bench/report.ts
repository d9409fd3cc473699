/** One line of a bar's table. */
export interface Row {
  /** What was measured. */
  case: string;
  /** The figures, by the heads of their columns. */
  figures: Record<string, number | string>;
  /** Whether the limit is met; missing in lines that are only for comparison. */
  isMet?: boolean;
}

/** What a bar found. */
export interface Report {
  bar: string;
  limit: string;
  rows: Row[];
}

/** What differs between Deno and Bun for the benchmarks. */
const { Deno, Bun, gc } = globalThis as unknown as {
  Deno?: { args: string[]; version: { deno: string }; exit(code: number): never };
  Bun?: { argv: string[]; version: string; gc(isFull: boolean): void };
  gc?: (options?: { type: "major"; execution: "sync"; flavor: "last-resort" }) => void;
};

export const runtime: string = Bun === undefined
  ? `Deno ${Deno?.version.deno}`
  : `Bun ${Bun.version}`;

export const args: string[] = Bun?.argv.slice(2) ?? Deno?.args ?? [];

/** A full collection, of which Deno needs `--v8-flags=--expose-gc` to be able. */
export function collect(): void {
  if (Bun !== undefined) return Bun.gc(true);
  if (gc === undefined) throw new Error("Run with deno run --v8-flags=--expose-gc");
  gc();
}

/** As `collect`, and gives back to the system what V8 would keep for objects to come. */
export function collectAll(): void {
  collect();
  gc?.({ type: "major", execution: "sync", flavor: "last-resort" });
}

/** The milliseconds that `run` takes. */
export function time(run: () => void): number {
  const start = performance.now();
  run();
  return performance.now() - start;
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] as number;
}

/** Lets what waits for the end of the turn happen: finalizers, freed memory. */
export function turn(ms = 0): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export function print(line: string): void {
  // deno-lint-ignore no-console
  console.log(line);
}

/** Prints a report as a table. */
export function printReport({ bar, limit, rows }: Report): void {
  const heads = [...new Set(rows.flatMap((row) => Object.keys(row.figures)))];
  const table = [["", ...heads, ""]];
  for (const row of rows) {
    const verdict = row.isMet === undefined ? "" : row.isMet ? "met" : "NOT MET";
    table.push([row.case, ...heads.map((head) => `${row.figures[head] ?? ""}`), verdict]);
  }
  const widths = table[0]?.map((_, i) => Math.max(...table.map((cells) => cells[i]?.length ?? 0)));
  print(`\n${bar}\n  limit: ${limit}`);
  for (const cells of table) {
    const line = cells.map((cell, i) => {
      const width = widths?.[i] ?? 0;
      return i === 0 ? cell.padEnd(width) : cell.padStart(width);
    });
    print(`  ${line.join("   ")}`);
  }
}

/** A number with this many digits after the point. */
export function round(value: number, digits = 2): number {
  return Number(value.toFixed(digits));
}
