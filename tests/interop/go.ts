import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { Child } from "../processes/child.ts";
import { isDeno, test } from "../runtime.ts";

/** The first build compiles Go's own packages too. */
const BUILD_DEADLINE_MS = 300_000;

const suffix = process.platform === "win32" ? ".exe" : "";

/** Where Go is: what `GROUPCACHE_GO` says; else on the PATH. */
const go: string | undefined = process.env["GROUPCACHE_GO"] ||
  (process.env["PATH"] ?? "").split(delimiter)
    .map((folder) => join(folder, `go${suffix}`))
    .find((path) => existsSync(path));

/** Where the programs are, one for each Go module, from before the first test to after the last. */
let folder = "";

// deno-lint-ignore no-explicit-any -- neither runtime knows the other's globals
const globals = globalThis as any;
const runner = isDeno ? globals.Deno.test : await import(["bun", "test"].join(":"));
if (go !== undefined) {
  // Not in the first test, for which it may take too long.
  runner.beforeAll(() => build(go), 2 * BUILD_DEADLINE_MS);
  runner.afterAll(() => rm(folder, { recursive: true, force: true }));
}

/**
 * Declares a test that needs Go. Where there is none it shows as skipped, or fails if the
 * environment says `GROUPCACHE_REQUIRE_GO=1`.
 */
export function goTest(name: string, body: () => Promise<void>): void {
  if (go !== undefined) return test(name, body);
  name += " (there is no go here)";
  if (process.env["GROUPCACHE_REQUIRE_GO"] !== "1") test(name, body, { ignore: true });
  else test(name, () => Promise.reject(new Error("Cannot run the test: no go")));
}

/** Starts the program of one of the Go modules. */
export function spawnGo(
  library: string,
  args: string[],
  env: Readonly<Record<string, string>>,
): Child {
  return new Child(library, join(folder, library + suffix), args, env);
}

async function build(go: string): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), "groupcache-interop-"));
  const source = join(import.meta.dirname ?? ".", "peers");
  const args = ["build", "-C", source, "-ldflags=-s -w", "-o", folder + "/", "./..."];
  await using child = new Child("go build", go, args, {});
  const deadline = setTimeout(() => void child.kill(), BUILD_DEADLINE_MS);
  await child.exited;
  clearTimeout(deadline);
  for (const library of ["golang", "mailgun", "groupcache-go"]) {
    if (existsSync(join(folder, library + suffix))) continue;
    throw new Error(`Cannot build ${library}. go printed:\n${child.lines.join("\n")}`);
  }
}
