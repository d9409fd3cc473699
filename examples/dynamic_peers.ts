// deno-lint-ignore-file no-console
/**
 * A cluster whose processes change: each polls a file that lists them all.
 * Run it with `deno serve -A --host 127.0.0.1 --port 8081`, or with `PORT=8081 bun run`.
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import process from "node:process";
import { type FetchHandler, GroupCache, text } from "@groupcache/groupcache";

const { PORT = "8081", PEERS_FILE = "peers.txt" } = process.env;
const self = `http://127.0.0.1:${PORT}`;

const cache = new GroupCache({ self });
const pages = cache.group("pages", {
  maxBytes: 64 << 20,
  codec: text,
  load(path) {
    console.log(`loading ${path}`);
    return `<h1>${path}</h1>`;
  },
});

/** Applies the list in the file, one URL per line. Calls in flight are not affected. */
async function refresh(): Promise<void> {
  const peers = (await readFile(PEERS_FILE, "utf8")).split("\n").filter((line) => line !== "");
  if (peers.join() === cache.peers.join()) return;
  cache.setPeers(peers);
  console.log(`peers: ${peers.join(" ")}`);
}

// If the list cannot be read or is invalid, the peers stay as they are.
setInterval(() => refresh().catch((error) => console.error(error.message)), 500);

const server: { hostname: string; port: string; fetch: FetchHandler } = {
  hostname: "127.0.0.1",
  port: PORT,
  fetch: cache.handler(async (request) =>
    new Response(await pages.get(new URL(request.url).pathname))
  ),
};
export default server;
