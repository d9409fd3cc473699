// deno-lint-ignore-file no-console
/**
 * A process of a cluster behind `Deno.serve`. Run two of them:
 *
 *     export PEERS=http://127.0.0.1:8081,http://127.0.0.1:8082
 *     PORT=8081 deno run -A examples/mount_in_deno.ts &
 *     PORT=8082 deno run -A examples/mount_in_deno.ts &
 *     curl http://127.0.0.1:8081/about http://127.0.0.1:8082/about
 *
 * @module
 */

import { GroupCache, text } from "@groupcache/groupcache";

const port = Number(Deno.env.get("PORT") ?? 8081);
const self = `http://127.0.0.1:${port}`;
const peers = (Deno.env.get("PEERS") ?? self).split(",");

const cache = new GroupCache({ self, peers });
const pages = cache.group("pages", {
  maxBytes: 64 << 20,
  codec: text,
  load(path) {
    console.log(`loading ${path}`);
    return `<h1>${path}</h1>`;
  },
});

// Requests from peers go to the cache, all others to this function.
const handler = cache.handler(async (request) =>
  new Response(await pages.get(new URL(request.url).pathname))
);
Deno.serve({ hostname: "127.0.0.1", port }, handler);
