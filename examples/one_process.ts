// deno-lint-ignore-file no-console
/**
 * A cache in one process, without peers. Run it with `deno run` or `bun run`.
 *
 * @module
 */

import { GroupCache, text } from "@groupcache/groupcache";

await using cache = new GroupCache();

const pages = cache.group("pages", {
  maxBytes: 64 << 20, // Total memory, including keys and index.
  codec: text,
  ttlMs: 60_000,
  load(path) { // From a database, another service, …
    console.log(`loading ${path}`);
    return `<h1>${path}</h1>`;
  },
});

// Concurrent callers share one load, and later callers find its value in memory.
console.log(await Promise.all([pages.get("/about"), pages.get("/about"), pages.get("/about")]));
console.log(await pages.get("/about"));

await pages.remove("/about");
console.log(pages.peek("/about")); // Looks in memory only.
