import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

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
