import { assertEquals } from "@std/assert";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "./runtime.ts";

/**
 * What `lib/` is made of, the lowest layer first; a folder stands for all that is in it. A file
 * imports from lower layers, from its own folder, and, if it lies in no folder, from its layer.
 */
const LAYERS: readonly (readonly string[])[] = [
  ["runtime.ts"],
  ["byte_view.ts", "codec.ts", "errors.ts", "events.ts", "key.ts", "tracer.ts"],
  ["timing/", "stats/"],
  ["store/", "placement/", "wire/", "auth/"],
  ["discovery/"],
  ["stats.ts", "process_report.ts", "group_api.ts"],
  ["peer/"],
  ["consistency/"],
  ["group/", "http/"],
  ["group.ts", "group_options.ts"],
  [
    "problems.ts",
    "group_cache_options.ts",
    "unknown_options.ts",
    "create_group.ts",
    "group_cache_events.ts",
    "cluster_reports.ts",
    "cluster_check.ts",
  ],
  ["group_cache.ts"],
  ["testing/", "metrics/"],
  ["dashboard/"],
];

/** What a folder may import beside the library itself. */
const FOREIGN: Readonly<Record<string, RegExp>> = { "dashboard/": /^hono(\/|$)/ };

/** Looks for what differs between the runtimes, so it names them. */
const DETECTS_RUNTIMES = "runtime.ts";

const MAX_LINES_OF_CODE = 300;

type Imports = ReadonlyMap<string, readonly string[]>;

/** The source without comments; doc comments hold examples, which import too. */
function codeOf(source: string): string {
  return source.replaceAll(/^\s*\/\*\*?[^]*?\*\/|(^|\s)\/\/.*$/gm, "");
}

/** What a file imports or re-exports, types included: paths below `lib/`, or what is foreign. */
function importsOf(path: string, code: string): string[] {
  const specifiers = code.matchAll(/\b(?:from\s+|import\s*\(?\s*)"([\w./:@-]+)"/g);
  return [...specifiers].map(([, specifier = ""]) =>
    specifier.startsWith(".") ? new URL(specifier, `lib:/${path}`).pathname.slice(1) : specifier
  );
}

/** The first circle of files, or none. */
function circleIn(imports: Imports): string[] {
  const done = new Set<string>();
  const follow = (file: string, trail: readonly string[]): string[] => {
    if (trail.includes(file)) return [...trail.slice(trail.indexOf(file)), file];
    if (done.has(file)) return [];
    for (const next of imports.get(file) ?? []) {
      const circle = follow(next, [...trail, file]);
      if (circle.length > 0) return circle;
    }
    done.add(file);
    return [];
  };
  for (const file of imports.keys()) {
    const circle = follow(file, []);
    if (circle.length > 0) return circle;
  }
  return [];
}

/** The folder of a file, or the file itself if it lies in none. */
function partOf(file: string): string {
  return /^[^/]+\//.exec(file)?.[0] ?? file;
}

function layerOf(part: string): number {
  return LAYERS.findIndex((layer) => layer.includes(part));
}

/** Imports that go up, or from folder to folder within a layer. */
function wrongWaysIn(imports: Imports): string[] {
  return [...imports].flatMap(([file, targets]) => {
    const part = partOf(file);
    return targets.filter((target) => {
      const other = partOf(target);
      if (!imports.has(target) || other === part) return false;
      const isBeside = layerOf(other) === layerOf(part);
      return layerOf(other) > layerOf(part) || isBeside && part.endsWith("/");
    }).map((target) => `${file} imports ${target}`);
  });
}

const lib = new URL("../lib/", import.meta.url);
const code = new Map(
  readdirSync(lib, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path) => path.replaceAll("\\", "/"))
    .map((path) => [path, codeOf(readFileSync(new URL(path, lib), "utf8"))]),
);
const imports: Imports = new Map([...code].map(([path, code]) => [path, importsOf(path, code)]));

test("Each file of the library belongs to a layer", () => {
  assertEquals([...code.keys()].filter((file) => layerOf(partOf(file)) < 0), []);
});

test("No files of the library import each other in a circle, types included", () => {
  assertEquals(circleIn(imports), []);
});

test("No layer of the library imports a higher one, and no folder one beside it", () => {
  assertEquals(wrongWaysIn(imports), []);
});

test("The library imports nothing but itself", () => {
  const foreign = [...imports].flatMap(([file, targets]) =>
    targets
      .filter((target) => !code.has(target) && !FOREIGN[partOf(file)]?.test(target))
      .map((target) => `${file} imports ${target}`)
  );
  assertEquals(foreign, []);
});

test("The library uses neither Deno nor Bun, except to find out which it runs in", () => {
  const named = [...code].filter(([file, code]) =>
    file !== DETECTS_RUNTIMES && /\b(Deno|Bun)\b/.test(code.replaceAll(/"[^"\n]*"|`[^`]*`/g, ""))
  );
  assertEquals(named.map(([file]) => file), []);
});

test(`No file of the library has more than ${MAX_LINES_OF_CODE} lines of code`, () => {
  const long = [...code]
    .map(([file, code]) => [file, code.split("\n").filter((line) => line.trim() !== "").length])
    .filter(([, lines = 0]) => Number(lines) > MAX_LINES_OF_CODE);
  assertEquals(long, []);
});

test("The checks of the architecture find what they look for", () => {
  const code = codeOf(`
    /** import { a } from "./doc.ts"; */
    // import { b } from "./comment.ts";
    import type { C } from "../peer/c.ts";
    export { d } from "./d.ts";
    const e = await import("node:fs");
  `);
  assertEquals(importsOf("http/a.ts", code), ["peer/c.ts", "http/d.ts", "node:fs"]);
  const graph = new Map([["a", ["b"]], ["b", ["c", "d"]], ["c", []], ["d", ["b"]]]);
  assertEquals(circleIn(graph), ["b", "d", "b"]);
  const wrong = new Map([
    ["peer/a.ts", ["group/b.ts", "peer/b.ts", "errors.ts"]],
    ["group/b.ts", ["http/c.ts"]],
    ["http/c.ts", []],
    ["peer/b.ts", []],
    ["codec.ts", ["errors.ts"]],
    ["errors.ts", []],
  ]);
  assertEquals(wrongWaysIn(wrong), [
    "peer/a.ts imports group/b.ts",
    "group/b.ts imports http/c.ts",
  ]);
});
