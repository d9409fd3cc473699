// deno-lint-ignore-file no-console
/**
 * A process of a cluster that exports its fetch function, for `deno serve` and `bun run`.
 * Run one with each:
 *
 *     export PEERS=http://127.0.0.1:8081,http://127.0.0.1:8082
 *     PORT=8081 deno serve -A --host 127.0.0.1 --port 8081 examples/mount_by_export.ts &
 *     PORT=8082 bun run examples/mount_by_export.ts &
 *     curl http://127.0.0.1:8081/about http://127.0.0.1:8082/about
 *
 * For `deno serve --parallel`, whose workers share a port, see `workers/deno_parallel.ts`.
 *
 * @module
 */

import process from "node:process";
import { type FetchHandler, GroupCache, text } from "@groupcache/groupcache";

const { PORT = "8081", PEERS = `http://127.0.0.1:${PORT}` } = process.env;

const cache = new GroupCache({ self: `http://127.0.0.1:${PORT}`, peers: PEERS.split(",") });
const pages = cache.group("pages", {
  maxBytes: 64 << 20,
  codec: text,
  load(path) {
    console.log(`loading ${path}`);
    return `<h1>${path}</h1>`;
  },
});

const server: { hostname: string; port: string; fetch: FetchHandler } = {
  hostname: "127.0.0.1",
  port: PORT, // For Bun. Deno reads it from the command line.
  // Requests from peers go to the cache, all others to this function.
  fetch: cache.handler(async (request) =>
    new Response(await pages.get(new URL(request.url).pathname))
  ),
};
export default server;
