import { cp, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { root } from "../runtime.ts";
import { run } from "./child.ts";
import { JsrRegistry, type PublishedPackage } from "./jsr_registry.ts";

/** A folder of its own, removed with all that is in it. */
export class TempFolder implements AsyncDisposable {
  private constructor(readonly path: string) {}

  /** Makes an empty folder. */
  static async make(): Promise<TempFolder> {
    return new TempFolder(await mkdtemp(join(tmpdir(), "groupcache-install-")));
  }

  /** Removes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}

/** What `deno publish` sends, caught by a registry on loopback. */
export async function publish(deno: string): Promise<PublishedPackage> {
  await using copy = await copyRepository();
  await using registry = await JsrRegistry.listen();
  await run(
    deno,
    ["publish", "--token", "none", "--allow-dirty", "--no-provenance", "--no-lock"],
    { cwd: copy.path, env: { JSR_URL: registry.url, DENO_NO_UPDATE_CHECK: "1" } },
  );
  return registry.published;
}

/** The tarball that Bun packs for npm registries. */
export async function pack(bun: string): Promise<Uint8Array> {
  await using copy = await copyRepository();
  await using target = await TempFolder.make();
  await run(bun, ["pm", "pack", "--quiet", "--destination", target.path], { cwd: copy.path });
  const [name] = await readdir(target.path);
  if (name === undefined) throw new Error("nothing was packed");
  return new Uint8Array(await readFile(join(target.path, name)));
}

async function copyRepository(): Promise<TempFolder> {
  const copy = await TempFolder.make();
  await cp(root, copy.path, {
    recursive: true,
    filter: (path) => ![".git", "node_modules"].includes(basename(path)),
  });
  return copy;
}
