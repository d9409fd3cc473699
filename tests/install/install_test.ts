/**
 * Installs the package as its users do: from JSR into a fresh Deno app, from a tarball into a
 * fresh Bun app. The registry is on loopback and holds exactly what `deno publish` sends.
 */

import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { findRuntime, isDeno, root, test } from "../runtime.ts";
import { Child, run } from "./child.ts";
import { JsrRegistry, type PublishedPackage } from "./jsr_registry.ts";
import { pack, publish, TempFolder } from "./package.ts";
import { readTar } from "./tar.ts";

// Publishing takes longer than the 5 seconds that Bun allows.
if (!isDeno) (await import(["bun", "test"].join(":"))).setDefaultTimeout(60_000);

const HERE = join(root, "tests/install");
const deno = findRuntime("deno") ?? "deno";
const bun = findRuntime("bun") ?? "bun";

const published = once(() => publish(deno));
const tarball = once(() => pack(bun));

test("deno publish sends the library, and no tests, benches or examples", async () => {
  const { name, scope, exports, files } = await published();
  const paths = [...files.keys()];
  assertEquals(`@${scope}/${name}`, "@groupcache/groupcache");
  assertEquals(paths.filter((path) => !belongs(path)), []);
  for (const path of Object.values(exports)) assert(files.has(path.slice("./".length)), path);
  const documents = (await readdir(root)).filter((path) =>
    /^(README|CHANGELOG|LICENSE)/.test(path)
  );
  assertEquals(documents.filter((path) => !files.has(path)), []);
}, { needs: ["deno"] });

test("The tarball contains what is published on JSR, without dependencies", async () => {
  const files = readTar(gunzipSync(await tarball()));
  const paths = [...files.keys()].map((path) => path.replace(/^package\//, ""));
  assertEquals(paths.filter((path) => path !== "package.json" && !belongs(path)), []);
  const manifest = JSON.parse(new TextDecoder().decode(files.get("package/package.json")));
  const config = JSON.parse(await readFile(join(root, "deno.json"), "utf8"));
  for (const field of ["name", "version", "license"]) {
    assertEquals(manifest[field], config[field], field);
  }
  assertEquals(Object.keys(manifest.exports), Object.keys(config.exports));
  for (const path of Object.values<string>(config.exports)) assert(paths.includes(path.slice(2)));
  assertEquals(manifest.dependencies ?? {}, {});
  assertEquals(manifest.optionalDependencies ?? {}, {});
  const peers = Object.keys(manifest.peerDependencies ?? {});
  assertEquals(peers.filter((peer) => !manifest.peerDependenciesMeta?.[peer]?.optional), []);
  assertEquals(
    Object.keys(manifest.scripts ?? {}).filter((name) => /install|prepare/.test(name)),
    [],
  );
  if (findRuntime("deno") === undefined) return;
  const isModule = (path: string) => path.startsWith("lib/") || path === "mod.ts";
  assertEquals(
    paths.filter(isModule).sort(),
    [...(await published()).files.keys()].filter(isModule).sort(),
  );
}, { needs: ["bun"] });

test("A fresh Deno app imports the package from JSR with its types, and nothing else", async () => {
  await using registry = await registryOf(await published());
  await using folder = await TempFolder.make();
  const app = await denoApp(folder, registry);
  for (const name of ["app.ts", "testing_app.ts"]) {
    const source = await readFile(join(HERE, name), "utf8");
    const installed = source.replaceAll(`"@groupcache/groupcache`, `"jsr:@groupcache/groupcache`);
    await writeFile(join(app.cwd, name), installed);
  }

  await run(deno, ["check", "app.ts", "testing_app.ts"], app);
  await writeFile(
    join(app.cwd, "wrong.ts"),
    `import { GroupCache, text } from "jsr:@groupcache/groupcache";
     const pages = new GroupCache().group("pages", { maxBytes: 1 << 20, codec: text, load: () => "" });
     export const wrong: number = await pages.get("/");`,
  );
  const complaint = await assertRejects(() => run(deno, ["check", "wrong.ts"], app), Error);
  assertMatch(complaint.message, /'string' is not assignable to type 'number'[^]*wrong\.ts:3/);

  const graph = JSON.parse(await run(deno, ["info", "--json", "app.ts"], app));
  const modules: string[] = graph.modules.map((module: { specifier: string }) => module.specifier);
  const elsewhere = modules.filter((specifier) =>
    !specifier.startsWith(`${registry.url}@groupcache/groupcache/`) &&
    !specifier.startsWith("file:")
  );
  assertEquals(elsewhere, ["node:process"]);

  const pages = JSON.parse(await run(deno, ["run", "--no-prompt", "testing_app.ts"], app));
  assertEquals(pages, ["/index 1", "/index 1", "/index 1"]);
  await using child = new Child(deno, ["run", ...LOOPBACK_ONLY, "app.ts"], app);
  assertEquals(await ask(await child.firstLine, "/about"), "/about from Deno");
  assertEquals(registry.missed, []);
}, { needs: ["deno"] });

test("A fresh Bun app adds the tarball, and needs nothing else", async () => {
  await using registry = await JsrRegistry.listen();
  await using folder = await TempFolder.make();
  const app = await bunApp(folder, registry);
  await run(bun, ["add", "./package.tgz"], app);
  assertEquals(await installedIn(app.cwd), ["@groupcache/groupcache"]);

  const pages = JSON.parse(await run(bun, ["testing_app.ts"], app));
  assertEquals(pages, ["/index 1", "/index 1", "/index 1"]);
  await using child = new Child(bun, ["app.ts"], app);
  assertEquals(await ask(await child.firstLine, "/about"), "/about from Bun");
  assertEquals(registry.missed, []);
}, { needs: ["bun"] });

test("A Bun app with our bunfig.toml adds the package from JSR's npm registry", async () => {
  await using registry = await JsrRegistry.listen();
  await using folder = await TempFolder.make();
  const app = await bunApp(folder, registry);
  const bunfig = await readFile(join(root, "bunfig.toml"), "utf8");
  assertMatch(bunfig, /^"@jsr" = "https:\/\/npm\.jsr\.io"$/m);
  await writeFile(
    join(app.cwd, "bunfig.toml"),
    bunfig.replace("https://npm.jsr.io", `${registry.url}npm`),
  );
  const name = "@jsr/groupcache__groupcache";
  const version = "0.1.0";
  const dist = { tarball: `${registry.url}package.tgz` };
  registry.serve("/package.tgz", await tarball());
  registry.serve(
    `/npm/${name.replace("/", "%2f")}`,
    JSON.stringify({
      name,
      "dist-tags": { latest: version },
      versions: { [version]: { name, version, dist } },
    }),
  );

  // An alias, as the jsr command makes it, lets a program use the same name on both runtimes.
  await run(bun, ["add", `@groupcache/groupcache@npm:${name}`], app);
  assertEquals(await installedIn(app.cwd), ["@groupcache/groupcache"]);
  const pages = JSON.parse(await run(bun, ["testing_app.ts"], app));
  assertEquals(pages, ["/index 1", "/index 1", "/index 1"]);
  assertEquals(registry.missed, []);
}, { needs: ["bun"] });

test(
  "A fresh Deno app and a fresh Bun app get values from each other, one load for both",
  async () => {
    await using registry = await registryOf(await published());
    await using denoFolder = await TempFolder.make();
    await using bunFolder = await TempFolder.make();
    const [inDeno, inBun] = [
      await denoApp(denoFolder, registry),
      await bunApp(bunFolder, registry),
    ];
    // Adds all exports, and hono for the dashboard comes from npm.
    const { NPM_CONFIG_REGISTRY: _, ...env } = inDeno.env;
    await run(deno, ["add", "jsr:@groupcache/groupcache"], { ...inDeno, env });
    await run(bun, ["add", "./package.tgz"], inBun);
    await using denoChild = new Child(deno, ["run", ...LOOPBACK_ONLY, "app.ts"], inDeno);
    await using bunChild = new Child(bun, ["app.ts"], inBun);
    const urls = [await denoChild.firstLine, await bunChild.firstLine];
    const body = JSON.stringify(urls);
    await Promise.all(urls.map((url) => ask(url, "/peers", { method: "POST", body })));

    // Enough keys for each to own some.
    const paths = Array.from({ length: 64 }, (_, i) => `/page/${i}`);
    const answers = await Promise.all(
      paths.map((path) => Promise.all(urls.map((url) => ask(url, path)))),
    );
    for (const [i, [fromDeno = "", fromBun]] of answers.entries()) {
      assertEquals(fromDeno, fromBun);
      assertMatch(fromDeno, new RegExp(`^/page/${i} from (Deno|Bun)$`));
    }
    const [denoStats, bunStats] = await Promise.all(
      urls.map(async (url) => JSON.parse(await ask(url, "/stats"))),
    );
    assertEquals(denoStats.localLoads + bunStats.localLoads, paths.length);
    assertEquals(denoStats.peerLoads, bunStats.localLoads);
    assertEquals(bunStats.peerLoads, denoStats.localLoads);
    assert(denoStats.localLoads > 0 && bunStats.localLoads > 0);
    assertEquals(denoStats.peerErrors + bunStats.peerErrors, 0);
  },
  { needs: ["deno", "bun"] },
);

const LOOPBACK_ONLY = ["--no-prompt", "--allow-net=127.0.0.1"];

/** Where an app is, and what it runs with. */
interface App {
  cwd: string;
  env: Record<string, string>;
}

/** A folder with a program and nothing else, whose runtime has never seen any package. */
async function denoApp(folder: TempFolder, registry: JsrRegistry): Promise<App> {
  const cwd = await freshApp(folder);
  const env = {
    DENO_DIR: join(folder.path, "deno"),
    DENO_NO_UPDATE_CHECK: "1",
    JSR_URL: registry.url,
    NPM_CONFIG_REGISTRY: registry.url,
  };
  return { cwd, env };
}

/** The same for Bun; the tarball lies in the folder. */
async function bunApp(folder: TempFolder, registry: JsrRegistry): Promise<App> {
  const cwd = await freshApp(folder);
  await writeFile(join(cwd, "package.json"), `{ "name": "app", "private": true }`);
  await writeFile(join(cwd, "package.tgz"), await tarball());
  const env = {
    HOME: folder.path,
    BUN_INSTALL_CACHE_DIR: join(folder.path, "cache"),
    BUN_CONFIG_REGISTRY: registry.url,
  };
  return { cwd, env };
}

async function freshApp(folder: TempFolder): Promise<string> {
  const cwd = join(folder.path, "app");
  await mkdir(cwd);
  for (const name of ["app.ts", "testing_app.ts"]) {
    await copyFile(join(HERE, name), join(cwd, name));
  }
  return cwd;
}

async function registryOf(published: PublishedPackage): Promise<JsrRegistry> {
  const registry = await JsrRegistry.listen();
  registry.add(published);
  return registry;
}

async function ask(base: string, path: string, init?: RequestInit): Promise<string> {
  const signal = AbortSignal.timeout(20_000);
  const response = await fetch(base + path, { ...init, signal });
  assertEquals(response.status, 200);
  return await response.text();
}

/** The packages in an app's `node_modules`. */
async function installedIn(folder: string): Promise<string[]> {
  const path = join(folder, "node_modules");
  const names: string[] = [];
  for (const name of await readdir(path)) {
    if (name.startsWith("@")) {
      for (const rest of await readdir(join(path, name))) names.push(`${name}/${rest}`);
    } else if (!name.startsWith(".")) names.push(name);
  }
  return names;
}

function belongs(path: string): boolean {
  return !/_(test|bench)\.ts$/.test(path) &&
    /^(mod\.ts|lib\/.+\.(ts|proto)|(README|CHANGELOG)\.md|LICENSE|deno\.json)$/.test(path);
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => made ??= make();
}
