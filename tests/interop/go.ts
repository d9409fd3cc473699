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

let folder: string | undefined;
let building: Promise<void> | undefined;

// deno-lint-ignore no-explicit-any -- neither runtime knows the other's globals
const globals = globalThis as any;
const { afterAll } = isDeno ? globals.Deno.test : await import(["bun", "test"].join(":"));
afterAll(async () => {
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

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

/** Builds the programs, one for each Go module, into a folder that is gone after the last test. */
export function buildGo(): Promise<void> {
  return building ??= build();
}

/** Starts the program of one of the Go modules. */
export async function spawnGo(
  library: string,
  args: string[],
  env: Readonly<Record<string, string>>,
): Promise<Child> {
  await buildGo();
  return new Child(library, join(folder ?? "", library + suffix), args, env);
}

async function build(): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), "groupcache-interop-"));
  const source = join(import.meta.dirname ?? ".", "peers");
  const args = ["build", "-C", source, "-trimpath", "-ldflags=-s -w", "-o", folder + "/", "./..."];
  await using child = new Child("go build", go ?? "go", args, {});
  const deadline = setTimeout(() => void child.kill(), BUILD_DEADLINE_MS);
  await child.exited;
  clearTimeout(deadline);
  for (const library of ["golang", "mailgun", "groupcache-go"]) {
    if (existsSync(join(folder, library + suffix))) continue;
    throw new Error(`Cannot build ${library}. go printed:\n${child.lines.join("\n")}`);
  }
}
