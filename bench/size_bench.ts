/**
 * Measures what the library costs an application at startup, on each runtime that is installed:
 *
 *     deno run -A bench/size_bench.ts [--json]
 *     bun bench/size_bench.ts [--json]
 *
 * Import time is how much longer a fresh process that imports mod.ts runs than one that imports nothing,
 * by their medians. Processes alternate, so that load on the machine slows both; the first ones fill the
 * runtime's cache and do not count. Sizes are those of mod.ts with everything it imports, bundled and
 * minified by the runtime's own bundler (Deno downloads its bundler from npm the first time). Exits with
 * code 1 if a bar is missed or nothing could be measured.
 */

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { findRuntime, root, type Runtime } from "../tests/runtime.ts";
import { median, print } from "./report.ts";

const RUNS = 21;
const WARM_UPS = 3;
const IMPORT_BAR_MS = 30;
const GZIP_BAR_BYTES = 20 * 1024;
const LIMIT_MS = 60_000;

interface Result {
  runtime: Runtime;
  importMs: number;
  startMs: number;
  minifiedBytes: number;
  gzippedBytes: number;
  isMet: boolean;
}

/** The commands that run and bundle a file on each runtime. */
const COMMANDS: Record<Runtime, { run: string[]; bundle: (from: string, to: string) => string[] }> =
  {
    deno: {
      run: ["run", "--no-config", "--no-lock"],
      bundle: (from, to) => ["bundle", "--quiet", "--no-lock", "--minify", "--output", to, from],
    },
    bun: {
      run: ["run"],
      bundle: (from, to) => ["build", "--minify", `--outfile=${to}`, from],
    },
  };

const isJson = process.argv.includes("--json");
const folder = await mkdtemp(join(tmpdir(), "groupcache-size-"));
const results: Result[] = [];
try {
  for (const runtime of ["deno", "bun"] as const) {
    const path = findRuntime(runtime);
    if (path !== undefined) results.push(await measure(runtime, path));
    else if (!isJson) print(`${runtime} is not installed.`);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

if (isJson) print(JSON.stringify({ IMPORT_BAR_MS, GZIP_BAR_BYTES, results }, null, 2));
else {
  const row = (cells: string[]) => print(cells.map((cell) => cell.padStart(14)).join(""));
  row(["", "import", "empty process", "minified", "gzipped", "bars met"]);
  for (const result of results) {
    row([
      result.runtime,
      `${result.importMs.toFixed(1)} ms`,
      `${result.startMs.toFixed(1)} ms`,
      kib(result.minifiedBytes),
      kib(result.gzippedBytes),
      result.isMet ? "yes" : "NO",
    ]);
  }
  row(["bar", `< ${IMPORT_BAR_MS} ms`, "", "", `<= ${GZIP_BAR_BYTES / 1024} KiB`, ""]);
}
if (results.length === 0 || results.some((result) => !result.isMet)) process.exitCode = 1;

async function measure(runtime: Runtime, path: string): Promise<Result> {
  const commands = COMMANDS[runtime];
  const empty = join(folder, "empty.ts");
  const importing = join(folder, "importing.ts");
  await writeFile(empty, "export {};\n");
  await writeFile(
    importing,
    `import ${JSON.stringify(pathToFileURL(join(root, "mod.ts")).href)};\n`,
  );
  const emptyMs: number[] = [];
  const importingMs: number[] = [];
  for (let i = -WARM_UPS; i < RUNS; i++) {
    const withoutMs = await time(path, [...commands.run, empty]);
    const withMs = await time(path, [...commands.run, importing]);
    if (i < 0) continue;
    emptyMs.push(withoutMs);
    importingMs.push(withMs);
  }

  const bundle = join(folder, `${runtime}.js`);
  await time(path, commands.bundle(join(root, "mod.ts"), bundle));
  const code = await readFile(bundle);
  const importMs = median(importingMs) - median(emptyMs);
  const gzippedBytes = gzipSync(code).length;
  return {
    runtime,
    importMs,
    startMs: median(emptyMs),
    minifiedBytes: code.length,
    gzippedBytes,
    isMet: importMs < IMPORT_BAR_MS && gzippedBytes <= GZIP_BAR_BYTES,
  };
}

/** Returns how long a process runs, in milliseconds. It must succeed. */
function time(path: string, args: string[]): Promise<number> {
  const start = performance.now();
  return new Promise((resolve, reject) => {
    execFile(path, args, { cwd: folder, timeout: LIMIT_MS }, (error) => {
      if (error === null) resolve(performance.now() - start);
      else reject(error);
    });
  });
}

function kib(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}
