import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { collectAll, turn } from "../report.ts";

/**
 * Runs a module in a process of its own, so that what one measurement leaves behind in memory is
 * not found by the next. `answer` is what the module calls with what it found.
 */
export function inChild<T>(module: string, task: unknown): T {
  const script = fileURLToPath(new URL(module, import.meta.url));
  const isBun = "Bun" in globalThis;
  const flags = isBun ? [script] : ["run", "-A", "--v8-flags=--expose-gc", script];
  const { stdout, stderr, status } = spawnSync(process.execPath, [...flags, JSON.stringify(task)], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`Cannot measure ${JSON.stringify(task)}: ${stderr}`);
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
}

/** What `inChild` was called with. */
export function task<T>(): T {
  return JSON.parse(process.argv[2] ?? "null");
}

/** Hands a result to `inChild`. */
export function answer(result: unknown): void {
  // deno-lint-ignore no-console
  console.log(JSON.stringify(result));
}

/** Resident memory, in bytes. */
export function residentBytes(): number {
  return process.memoryUsage().rss;
}

/**
 * Resident memory once garbage is collected and its memory is back with the system, in bytes. That
 * takes JavaScriptCore some tenths of a second, in which as much as 10 MB more are resident; and V8
 * keeps some 10 to 20 MB for objects to come unless it is told not to.
 */
export async function settledBytes(): Promise<number> {
  let least = Infinity;
  for (let looks = 0, sinceLeast = 0; looks < 30 && sinceLeast < 4; looks++, sinceLeast++) {
    collectAll();
    await turn(100);
    const bytes = residentBytes();
    if (bytes < least - 100_000) sinceLeast = 0;
    least = Math.min(least, bytes);
  }
  return least;
}
