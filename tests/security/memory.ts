// deno-lint-ignore no-explicit-any -- neither runtime knows the other's globals
const globals = globalThis as any;

/** Frees what nothing refers to: Deno needs `--v8-flags=--expose-gc`. */
export function collectGarbage(): void {
  if (globals.gc !== undefined) globals.gc();
  else globals.Bun?.gc(true);
}
