// deno-lint-ignore-file no-console
/**
 * What can go wrong with a `get`, and what to do about it. Run it with `deno run` or `bun run`.
 *
 * @module
 */

import { GroupCache, GroupCacheError, text } from "@groupcache/groupcache";

await using cache = new GroupCache();

// For operators: one event per failed load, however many callers shared it.
cache.addEventListener("load-error", ({ group, key, error }) => {
  console.log(`event: load of ${key} in ${group} failed with code ${error.code}`);
});

const articles = cache.group("articles", {
  maxBytes: 64 << 20,
  codec: text,
  loadTimeoutMs: 200, // For all callers: ends the load, and the next caller starts a new one.
  async load(id, { signal }) {
    if (id === "missing") return undefined; // There is no such value: "not-found".
    if (id === "broken") throw new Error("the database is down"); // "load-failed"
    if (id === "stuck") await untilAborted(signal); // "timeout"
    return `Article ${id}`;
  },
});

for (const id of ["1", "missing", "broken", "stuck"]) {
  try {
    console.log(await articles.get(id));
  } catch (error) {
    // The code is for programs. It is the same when another process ran the load.
    if (!(error instanceof GroupCacheError)) throw error;
    console.log(`${error.code}: ${error.message}`);
  }
}

// A caller's signal ends only that caller's wait, not a load that others share.
const value = await articles.get("stuck", { signal: AbortSignal.timeout(50) })
  .catch((error) => {
    if (error.name === "TimeoutError") return "A placeholder article";
    throw error;
  });
console.log(value);

/** Stands in for work that respects the signal, as `fetch` does. */
function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener("abort", () => reject(signal.reason), { once: true })
  );
}
