// deno-lint-ignore-file no-console
/**
 * Three groups in one cache, each with its own values, memory and loader. Run it with `deno run`
 * or `bun run`.
 *
 * @module
 */

import { bytes, GroupCache, json, text } from "@groupcache/groupcache";

interface User {
  id: string;
  name: string;
}

await using cache = new GroupCache();

const users = cache.group("users", {
  maxBytes: 16 << 20,
  codec: json<User>(), // Values are frozen and shared by all callers.
  ttlMs: 60_000,
  load: (id) => ({ id, name: `User ${id}` }),
});

const digests = cache.group("digests", {
  maxBytes: 1 << 20,
  codec: bytes,
  load: async (key) => {
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(key));
    return new Uint8Array(digest);
  },
});

// A loader may use other groups. Forwarding its signal cancels their loads together with its own.
const greetings = cache.group("greetings", {
  maxBytes: 1 << 20,
  codec: text,
  load: async (id, { signal }) => `Hello, ${(await users.get(id, { signal })).name}!`,
});

console.log(await greetings.get("42"));
console.log((await users.get("42")).name);
console.log((await digests.get("42")).length);

for (const [name, { gets, hits, localLoads }] of Object.entries(cache.stats().groups)) {
  console.log(`${name}: ${gets} gets, ${hits} hits, ${localLoads} loads`);
}
