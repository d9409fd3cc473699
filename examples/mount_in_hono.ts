// deno-lint-ignore-file no-console
/**
 * A process of a cluster with a Hono app. Run one with each runtime:
 *
 *     export PEERS=http://127.0.0.1:8081,http://127.0.0.1:8082
 *     PORT=8081 deno serve -A --host 127.0.0.1 --port 8081 examples/mount_in_hono.ts &
 *     PORT=8082 bun run examples/mount_in_hono.ts &
 *     curl http://127.0.0.1:8081/about http://127.0.0.1:8082/about
 *
 * @module
 */

import process from "node:process";
import { GroupCache, text } from "@groupcache/groupcache";
import { Hono } from "hono";

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

const app: Hono = new Hono();
// `c.env` is the second argument of the runtime's fetch function. The cache uses it to exempt slow loads
// from Bun's idle timeout.
app.all("/_groupcache/*", (c) => cache.fetch(c.req.raw, c.env));
app.get("/*", async (c) => c.html(await pages.get(c.req.path)));

const server: { hostname: string; port: string; fetch: typeof app.fetch } = {
  hostname: "127.0.0.1",
  port: PORT, // For Bun. Deno reads it from the command line.
  fetch: app.fetch,
};
export default server;
