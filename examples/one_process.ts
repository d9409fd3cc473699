// deno-lint-ignore-file no-console
/**
 * A cache in one process, without peers. Run it with `deno run` or `bun run`.
 *
 * @module
 */

import { GroupCache, text } from "@groupcache/groupcache";

await using cache = new GroupCache();

const pages = cache.group("pages", {
  maxBytes: 64 << 20, // Of memory, whatever is kept.
  codec: text,
  ttlMs: 60_000,
  load(path) { // From a database, another service, …
    console.log(`loading ${path}`);
    return `<h1>${path}</h1>`;
  },
});

// All who ask at the same time share one load, and all who ask later find its value.
console.log(await Promise.all([pages.get("/about"), pages.get("/about"), pages.get("/about")]));
console.log(await pages.get("/about"));

await pages.remove("/about");
console.log(pages.peek("/about")); // What is in memory, and nothing else.
