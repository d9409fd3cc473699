/**
 * Checks a Bun project's types with TypeScript's own compiler. The package ships its sources, so
 * the project's flags apply to these as well: they must stand the strictest.
 */

import { mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { assertMatch, assertRejects } from "@std/assert";
import { findRuntime, root, test } from "../runtime.ts";
import { run } from "./child.ts";
import { pack, TempFolder } from "./package.ts";
import { readTar } from "./tar.ts";

const bun = findRuntime("bun") ?? "bun";

/** What `bun init` writes, and what it leaves switched off. */
const compilerOptions = {
  lib: ["ESNext"],
  target: "ESNext",
  module: "Preserve",
  moduleDetection: "force",
  types: ["bun"],
  moduleResolution: "bundler",
  allowImportingTsExtensions: true,
  verbatimModuleSyntax: true,
  noEmit: true,
  strict: true,
  skipLibCheck: true,
  noFallthroughCasesInSwitch: true,
  noUncheckedIndexedAccess: true,
  noImplicitOverride: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
  noPropertyAccessFromIndexSignature: true,
  noImplicitReturns: true,
  allowUnreachableCode: false,
  exactOptionalPropertyTypes: true,
  isolatedModules: true,
  erasableSyntaxOnly: true,
};

const PROGRAM = `
import { GroupCache, json } from "@groupcache/groupcache";
import { etcd } from "@groupcache/groupcache/discovery";
import { rendezvous } from "@groupcache/groupcache/placement";
import { Cluster } from "@groupcache/groupcache/testing";

const self = "http://127.0.0.1:8080";
const cache = new GroupCache({ self, peers: etcd({ self }), placement: rendezvous() });
export const users = cache.group("users", {
  maxBytes: 1 << 20,
  codec: json<{ name: string }>(),
  load: (id, { signal }) => signal.aborted ? { name: "" } : { name: id },
});
const fetch = cache.handler(async (_request, _server: Bun.Server<undefined>) =>
  Response.json(await users.get("42", { signal: AbortSignal.timeout(500) }))
);
Bun.serve({ port: 8080, fetch });
export const cluster = new Cluster(3);
`;

const WRONG = `
import { users } from "./program.ts";
export const wrong: number = await users.get("42");
`;

const dialects: { name: string; options: Record<string, unknown> }[] = [
  { name: "Bun's types", options: {} },
  { name: "the DOM's types beside Bun's", options: { lib: ["ES2024", "DOM", "DOM.Iterable"] } },
];

for (const { name, options } of dialects) {
  test(
    `A strict Bun project with ${name} passes tsc, and what is wrong in it does not`,
    async () => {
      await using folder = await TempFolder.make();
      await install(folder.path);
      await writeFile(join(folder.path, "program.ts"), PROGRAM);
      await writeFile(
        join(folder.path, "tsconfig.json"),
        JSON.stringify({ compilerOptions: { ...compilerOptions, ...options } }),
      );
      const tsc = join(root, "node_modules/typescript/bin/tsc");
      await run(bun, [tsc, "--project", "."], { cwd: folder.path });

      await writeFile(join(folder.path, "wrong.ts"), WRONG);
      const complaint = await assertRejects(
        () => run(bun, [tsc, "--project", "."], { cwd: folder.path }),
        Error,
      );
      assertMatch(
        complaint.message,
        /ended with [1-9]\d*:\nwrong\.ts\(3,14\): error TS2322:[^\n]+\n/,
      );
    },
    { needs: ["bun"] },
  );
}

/** Installs the package, unpacked, and Bun's types, which lie in this repository. */
async function install(cwd: string): Promise<void> {
  // Whoever runs the tests in Deno need not have done so.
  await run(bun, ["install", "--silent"], { cwd: root });
  const modules = join(cwd, "node_modules");
  for (const [path, content] of readTar(gunzipSync(await pack(bun)))) {
    const target = join(modules, "@groupcache/groupcache", path.replace(/^package\//, ""));
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, content);
  }
  await mkdir(join(modules, "@types"));
  await symlink(join(root, "node_modules/@types/bun"), join(modules, "@types/bun"));
}
